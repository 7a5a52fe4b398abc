import type { Command } from 'commander';
import type { Clock } from '@orders-pipeline/clock';
import type { CliSettings } from './cli-settings.js';
import type { ExitCode } from './exit-code.js';
import type { ProducerClient } from './producer/producer-client.js';
import type { Terminal } from './terminal/terminal.js';

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
  readonly client: ProducerClient;
}

/** Runs a command against the producer at `--url`, or the service at `otherUrl`, and stores the exit code. */
export type RunCommand = (
  command: Command,
  work: (context: CommandContext) => Promise<ExitCode>,
  otherUrl?: string,
) => Promise<void>;
