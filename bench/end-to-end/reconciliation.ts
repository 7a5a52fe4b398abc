import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const AnswerSchema = z.looseObject({
  verdict: z.enum(['holds', 'broken', 'pending']),
  ordersPerSecond: z.number(),
  seconds: z.number(),
});

/** The producer's answer to a reconciliation of every order; unknown fields are kept. */
export type ReconciliationAnswer = z.infer<typeof AnswerSchema>;

/** `reason`: why there is no answer. */
export type Reconciliation =
  | { readonly answer: ReconciliationAnswer; readonly reason?: undefined }
  | { readonly answer?: undefined; readonly reason: string };

/** Status codes of a producer without reconciliation. */
const NOT_AVAILABLE = new Set([404, 501]);

/**
 * Reconciles an operation. The answer may take many minutes without a byte. `fetch` times out after five minutes, so this uses Node's
 * HTTP client, which has no timeout.
 * @throws the abort reason of the signal
 */
export async function reconcile(producerUrl: string, id: string, signal: AbortSignal): Promise<Reconciliation> {
  const outgoing = request(`${producerUrl}/v1/operations/${id}/reconcile`, { method: 'POST', signal });
  outgoing.end();
  try {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return parseReconciliation(response.statusCode ?? 0, await text(response));
  } catch (error) {
    signal.throwIfAborted();
    return { reason: `failed: ${String(error)}` };
  }
}

/** Parses an answer. @param body text of the answer */
export function parseReconciliation(status: number, body: string): Reconciliation {
  if (NOT_AVAILABLE.has(status)) return { reason: 'not available' };
  if (status !== 200) return { reason: `failed with ${status}: ${body}` };
  const { data, error } = AnswerSchema.safeParse(parseJson(body));
  return data === undefined ? { reason: `failed: ${z.prettifyError(error)}` } : { answer: data };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
