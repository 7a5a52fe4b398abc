import { z } from 'zod';
import { timeLimit } from '#orders/time-limit.js';
import { DemoEnd } from './scaling-demo.js';

/** Who has started a demo, as the producer must know it. */
interface DemoCaller {
  /** The `Authorization` header; `undefined`: tokens are not required. */
  readonly authorization: string | undefined;
  /** The address, for services that trust the console (setting TRUST_PROXY). */
  readonly ip: string;
}

interface DemoOrders {
  readonly count: number;
  /** The Idempotency-Key. */
  readonly key: string;
  readonly signal: AbortSignal;
}

const WITHIN_MS = timeLimit(30_000);
const AnswerSchema = z.object({ id: z.string() });
const ProblemSchema = z.object({ detail: z.string() });

/**
 * Generates test orders in the name of a caller, whose token the producer checks.
 * @returns the id of the operation
 * @throws DemoEnd `populate-failed` when the producer refuses or does not answer
 */
export async function populateForCaller(
  producerUrl: string,
  { authorization, ip }: DemoCaller,
  { count, key, signal }: DemoOrders,
): Promise<string> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key, 'x-forwarded-for': ip };
  try {
    const response = await fetch(new URL('/v1/populate', producerUrl), {
      method: 'POST',
      headers: authorization === undefined ? headers : { ...headers, authorization },
      body: JSON.stringify({ count }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]),
    });
    const body: unknown = await response.json();
    if (response.ok) return AnswerSchema.parse(body).id;
    throw new Error(ProblemSchema.safeParse(body).data?.detail ?? `status ${response.status}`);
  } catch (error) {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new DemoEnd('failed', 'populate-failed', `The producer did not accept the test orders: ${reason}`);
  }
}
