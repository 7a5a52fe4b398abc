import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { Operation } from '#api/producer.js';
import type { ProducerRequest } from '../producer/producer-client.js';
import { operationText } from '../terminal/operation-text.js';
import { follow } from './follow.js';

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
  request: Pick<ProducerRequest, 'path' | 'headers' | 'body' | 'noTimeout'>,
  { key = randomUUID(), watch, json }: StartOptions,
): Promise<ExitCode> {
  const operation = await context.client.request<Operation>({
    ...request,
    method: 'POST',
    headers: { ...request.headers, 'idempotency-key': key },
    unknownOutcome: `The operation may have started. Repeat the command with --key ${key}: it starts the operation at most once.`,
  });
  if (watch) return follow(context, operation.id, { ...(json && { json }) });
  printOperation(context, operation, json);
  if (!json) context.terminal.err.write(`Follow it: npm run orders -- watch ${operation.id}\n`);
  return EXIT_CODE.ok;
}

/** Prints an operation on standard output, as text or as JSON. */
export function printOperation({ terminal }: CommandContext, operation: Operation, json: true | undefined): void {
  terminal.out.write(`${json ? JSON.stringify(operation) : operationText(operation)}\n`);
}
