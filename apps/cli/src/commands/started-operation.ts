import { randomUUID } from 'node:crypto';
import type { Operation } from '#api/producer.js';
import { EXIT_CODE, type ExitCode } from '../cli-error.js';
import type { CommandContext } from '../environment.js';
import { followOperation } from '../producer/operation-events.js';
import type { ProducerRequest } from '../producer/producer-client.js';
import { operationText } from '../terminal/operation-text.js';
import { Progress } from '../terminal/progress.js';

/** How to start an operation and print it. */
export interface StartOptions {
  readonly key?: string;
  readonly watch?: true;
  readonly json?: true;
}

/**
 * Starts an operation and prints it, at once or after watching it until its end. The Idempotency-Key, by default a random one, makes the
 * request safe to repeat: the producer then returns the operation that was started first.
 */
export async function startOperation(
  context: CommandContext,
  request: Omit<ProducerRequest, 'unknownOutcome'>,
  { key = randomUUID(), watch, json }: StartOptions,
): Promise<ExitCode> {
  const operation = await context.client.post<Operation>({
    ...request,
    headers: { ...request.headers, 'idempotency-key': key },
    unknownOutcome: `The operation may have started. Repeat the command with --key ${key}: it starts the operation at most once.`,
  });
  if (watch) return follow(context, operation.id, json);
  printOperation(context, operation, json);
  if (!json) context.terminal.err.write(`Follow it: npm run orders -- watch ${operation.id}\n`);
  return EXIT_CODE.ok;
}

/** Prints an operation on standard output, as text or as JSON. */
export function printOperation({ terminal }: CommandContext, operation: Operation, json: true | undefined): void {
  terminal.out.write(`${json ? JSON.stringify(operation) : operationText(operation)}\n`);
}

/**
 * Watches an operation until it no longer changes. It prints progress on standard error and the final operation on standard output.
 * Ctrl-C stops watching, but not the operation.
 * @returns 0 if the operation succeeded and saved something or had nothing to send, 3 if it was cancelled, 130 after Ctrl-C, else 1
 */
export async function follow(context: CommandContext, id: string, json: true | undefined): Promise<ExitCode> {
  const { client, clock, terminal } = context;
  const interrupted = new AbortController();
  context.onInterrupt(() => interrupted.abort());
  const progress = new Progress(terminal.err, clock);
  let last: Operation | undefined;
  try {
    for await (const followed of followOperation(client, id, interrupted.signal)) {
      if (followed.kind === 'cut') {
        progress.lost(followed.reason);
        continue;
      }
      last = followed.operation;
      progress.update(followed.operation);
    }
  } finally {
    progress.end();
  }
  if (interrupted.signal.aborted) {
    terminal.err.write(
      `Stopped watching; the operation continues. Watch it again: npm run orders -- watch ${id}\n` +
        `Cancel it: npm run orders -- cancel ${id}\n`,
    );
    return EXIT_CODE.interrupted;
  }
  if (last === undefined) return EXIT_CODE.failed;
  printOperation(context, last, json);
  if (last.status === 'succeeded' && last.state.code !== 'noneSaved') return EXIT_CODE.ok;
  return last.status === 'cancelled' ? EXIT_CODE.cancelled : EXIT_CODE.failed;
}
