import { z } from 'zod';
import type { PopulateInput } from '#orders/generator/generator.js';
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

const TIMEOUT_MS = 10_000;

/** Requests `count` orders from the producer. @returns the parameters they are generated from. @throws StackError `comparison-failed` */
export async function populate(url: string, count: number, seed: number, signal: AbortSignal): Promise<PopulateInput> {
  const response = await fetch(`${url}/v1/populate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ count, seed, accounts: ACCOUNTS }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const body: unknown = await response.json();
  if (!response.ok)
    throw new StackError(
      'comparison-failed',
      `The producer responded with status ${response.status}: ${JSON.stringify(body)}`,
      'This is a bug.',
    );
  const { id: operationId, ...batch } = PopulateSchema.parse(body);
  return { operationId, ...batch };
}
