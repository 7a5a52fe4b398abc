// `npm run orders -- …`: controls the producer from a terminal or a script.
import { existsSync } from 'node:fs';
import { systemClock } from '@orders-pipeline/clock';
import { runCommandLine } from './command-line.js';

// Loads the settings of `npm start`, which include the port of its producer. npm runs scripts in the project folder.
if (existsSync('.env')) process.loadEnvFile('.env');

/** Returns the folder in which the user ran the command: npm changes the working directory to the project folder. */
function workingDirectory(): string {
  const { npm_lifecycle_event: script, INIT_CWD: typedIn } = process.env;
  return script === 'orders' && typedIn ? typedIn : process.cwd();
}

// A closed pipe, as in `… | head`, is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  terminal: { out: process.stdout, err: process.stderr },
  clock: systemClock,
  workingDirectory: workingDirectory(),
  onInterrupt: (listener) => void process.on('SIGINT', listener),
});
