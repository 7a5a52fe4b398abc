import { existsSync } from 'node:fs';
import { systemClock } from '@orders-pipeline/clock';
import type { CliEnvironment } from './command-context.js';

/** Returns the environment of this process. */
export function processEnvironment(): CliEnvironment {
  // Loads the settings of `npm start`, which include the port of its producer. npm runs scripts in the project folder.
  if (existsSync('.env')) process.loadEnvFile('.env');
  // A closed pipe, as in `… | head`, is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  return {
    env: process.env,
    terminal: { out: process.stdout, err: process.stderr },
    clock: systemClock,
    workingDirectory: workingDirectory(),
    onInterrupt: (listener) => void process.on('SIGINT', listener),
  };
}

/** Returns the folder in which the user ran the command: npm changes the working directory to the project folder. */
function workingDirectory(): string {
  const { npm_lifecycle_event: script, INIT_CWD: typedIn } = process.env;
  return script === 'orders' && typedIn ? typedIn : process.cwd();
}
