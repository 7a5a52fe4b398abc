import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import type { ExitCode } from './cli-error.js';
import type { CliSettings } from './cli-settings.js';
import type { ProducerClient } from './producer/producer-client.js';
import type { Terminal } from './terminal/output.js';

/** The environment of the command line, injected so that specs can replace it. */
export interface CliEnvironment {
  readonly env: CliSettings;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** The folder that relative paths start in. */
  readonly workingDirectory: string;
  /** Calls a listener at each Ctrl-C. Without a listener, Ctrl-C ends the process. */
  onInterrupt(listener: () => void): void;
}

/** The environment of a command, with its HTTP client. */
export interface CommandContext extends CliEnvironment {
  /** Of the producer at `--url`; of the console or the facade for a command with `--console` or `--facade`. */
  readonly client: ProducerClient;
}

/** Makes the action of a command, which runs its work with the arguments and options that commander has parsed, and stores the exit code. */
export type Run = <Given extends unknown[]>(
  work: (context: CommandContext, ...given: Given) => Promise<ExitCode>,
) => (...given: [...Given, Command]) => Promise<void>;

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
