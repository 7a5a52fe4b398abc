import { z } from 'zod';
import type { OrderBatch } from '#orders/generator.js';
import { StackError } from '../stack-error.js';
import { ACCOUNTS } from './planned-orders.js';

const PopulateSchema = z.object({
  id: z.uuid(),
  seed: z.int(),
  count: z.int(),
  firstNumber: z.int(),
  accounts: z.int(),
  from: z.iso.datetime().transform((text) => new Date(text)),
  to: z.iso.datetime().transform((text) => new Date(text)),
});

const PATIENCE_MS = 10_000;

/** Has the producer emit so many orders. @returns all that they are made from. @throws StackError `comparison-failed` */
export async function populate(url: string, count: number, seed: number, signal: AbortSignal): Promise<OrderBatch> {
  const response = await fetch(`${url}/v1/populate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ count, seed, accounts: ACCOUNTS }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
  });
  const body: unknown = await response.json();
  if (!response.ok)
    throw new StackError(
      'comparison-failed',
      `The producer answered ${response.status}: ${JSON.stringify(body)}`,
      'This is a bug.',
    );
  const { id: operationId, ...batch } = PopulateSchema.parse(body);
  return { operationId, ...batch };
}
