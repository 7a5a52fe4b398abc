import type { Command } from 'commander';
import type { Clock } from '#parallel-consumer/clock.js';
import type { ExitCode } from './exit-code.js';
import type { ProducerClient } from './producer/producer-client.js';
import type { Terminal } from './terminal/terminal.js';

/** The world around the command line, injected, so that specs run it under their own. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Where relative paths begin. */
  readonly workingDirectory: string;
  /** Calls it at each Ctrl-C from now on; without a listener Ctrl-C ends the process. */
  onInterrupt(listener: () => void): void;
}

/** What a command works with. */
export interface CommandContext extends Surroundings {
  readonly client: ProducerClient;
}

/** Does a command's work against the producer of its `--url`, or the service at another address, and keeps the exit code. */
export type RunCommand = (
  command: Command,
  work: (context: CommandContext) => Promise<ExitCode>,
  otherUrl?: string,
) => Promise<void>;
