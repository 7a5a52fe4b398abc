// `npm run orders -- …`: everything that a person does with the producer, from a terminal or a script.
import { existsSync } from 'node:fs';
import { systemClock } from '#parallel-consumer/clock.js';
import { runCommandLine } from './command-line.js';

// The settings of `npm start`, which say where its producer listens. npm runs scripts in the project's folder.
if (existsSync('.env')) process.loadEnvFile('.env');

/** npm has changed the folder; relative paths begin where its user typed the command. */
function workingDirectory(): string {
  const { npm_lifecycle_event: script, INIT_CWD: typedIn } = process.env;
  return script === 'orders' && typedIn ? typedIn : process.cwd();
}

// `… | head` has seen enough; that is no failure.
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
