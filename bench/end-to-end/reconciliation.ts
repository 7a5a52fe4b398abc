import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const AnswerSchema = z.looseObject({
  verdict: z.enum(['holds', 'broken', 'pending']),
  ordersPerSecond: z.number(),
  seconds: z.number(),
});

/** What the producer says to the no-loss equation, order by order; all that it says is kept. */
export type ReconciliationAnswer = z.infer<typeof AnswerSchema>;

/** `reason`: why there is no answer, in words. */
export type Reconciliation =
  | { readonly answer: ReconciliationAnswer; readonly reason?: undefined }
  | { readonly answer?: undefined; readonly reason: string };

/** A producer that can't do it. */
const NOT_AVAILABLE = new Set([404, 501]);

/**
 * Has an operation reconciled. That may take many minutes without a byte, for which `fetch` gives up after five: node's own
 * client waits as long as it takes.
 * @throws what the signal was aborted with
 */
export async function reconcile(producerUrl: string, id: string, signal: AbortSignal): Promise<Reconciliation> {
  const asked = request(`${producerUrl}/v1/operations/${id}/reconcile`, { method: 'POST', signal });
  asked.end();
  try {
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return reconciliationOf(response.statusCode ?? 0, await text(response));
  } catch (error) {
    signal.throwIfAborted();
    return { reason: `failed: ${String(error)}` };
  }
}

/** @param body the answer's text */
export function reconciliationOf(status: number, body: string): Reconciliation {
  if (NOT_AVAILABLE.has(status)) return { reason: 'not available' };
  if (status !== 200) return { reason: `failed with ${status}: ${body}` };
  const { data, error } = AnswerSchema.safeParse(jsonOf(body));
  return data === undefined ? { reason: `failed: ${z.prettifyError(error)}` } : { answer: data };
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
