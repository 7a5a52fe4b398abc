import { randomUUID } from 'node:crypto';
import type { CommandContext } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { OperationSchema, type Operation } from '../producer/operation.js';
import type { ProducerRequest } from '../producer/producer-client.js';
import { operationText } from '../terminal/operation-text.js';
import { follow } from './follow.js';

/** How an operation that was just started is told. */
export interface StartOptions {
  readonly key?: string;
  readonly watch?: true;
  readonly json?: true;
}

/**
 * Starts an operation and tells it, at once or after watching it to its end. The Idempotency-Key, one of its own unless it was given,
 * makes it safe to send again: the answer is then the operation that was begun the first time.
 */
export async function startOperation(
  context: CommandContext,
  request: Pick<ProducerRequest, 'path' | 'headers' | 'body' | 'isPatient'>,
  { key = randomUUID(), watch, json }: StartOptions,
): Promise<ExitCode> {
  const operation = await context.client.ask(
    {
      ...request,
      method: 'POST',
      headers: { ...request.headers, 'idempotency-key': key },
      unknownOutcome: `Whether it has begun is not known. The same command with --key ${key} begins it once, or finds it.`,
    },
    OperationSchema,
  );
  if (watch) return follow(context, operation.id, { ...(json && { json }) });
  printOperation(context, operation, json);
  if (!json) context.terminal.err.write(`Follow it: npm run orders -- watch ${operation.id}\n`);
  return EXIT_CODE.ok;
}

/** An operation on standard output, as text or, for programs, as JSON. */
export function printOperation({ terminal }: CommandContext, operation: Operation, json: true | undefined): void {
  terminal.out.write(`${json ? JSON.stringify(operation) : operationText(operation)}\n`);
}
