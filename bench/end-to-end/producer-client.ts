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

/** The fields of an operation that the run needs. */
export type FollowedOperation = z.infer<typeof OperationSchema>;

/** Generous, because on a fully loaded machine an answer may take seconds. */
const TIMEOUT_MS = 30_000;

/** Client of the producer's HTTP API. */
export class ProducerClient {
  constructor(
    private readonly url: string,
    private readonly signal: AbortSignal,
    /** Of a stack that requires one. */
    private readonly token?: string,
  ) {}

  /** Starts a populate with defaults except for the number of orders and the rate. */
  async populate(orders: number, ratePerSecond?: number): Promise<FollowedOperation> {
    return this.request('/v1/populate', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ count: orders, ratePerSecond }),
    });
  }

  async operation(id: string): Promise<FollowedOperation> {
    return this.request(`/v1/operations/${id}`);
  }

  private async request(path: string, init: RequestInit = {}): Promise<FollowedOperation> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set('authorization', `Bearer ${this.token}`);
    const response = await fetch(`${this.url}${path}`, { ...init, headers, signal });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return OperationSchema.parse(await response.json());
  }
}
