import { z } from 'zod';

const count = z.int().min(0);

const OperationSchema = z.object({
  id: z.uuid(),
  status: z.enum(['running', 'paused', 'succeeded', 'cancelled', 'failed']),
  acked: count,
  saved: count.nullable(),
  deadLettered: count.nullable(),
  startedAt: z.iso.datetime().nullable(),
  finishedAt: z.iso.datetime().nullable(),
});

/** What of an operation the run is followed by. */
export type FollowedOperation = z.infer<typeof OperationSchema>;

/** On a machine that is busy to its limits an answer may take seconds. */
const PATIENCE_MS = 30_000;

/** The producer's HTTP interface, as far as the run needs it. */
export class ProducerClient {
  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Asks for so many orders; all else is at its default. */
  async populate(orders: number): Promise<FollowedOperation> {
    return this.request('/v1/populate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: orders }),
    });
  }

  async operation(id: string): Promise<FollowedOperation> {
    return this.request(`/v1/operations/${id}`);
  }

  private async request(path: string, init: RequestInit = {}): Promise<FollowedOperation> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const response = await fetch(`${this.url}${path}`, { ...init, signal });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return OperationSchema.parse(await response.json());
  }
}
