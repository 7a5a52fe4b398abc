import { z } from 'zod';
import { HttpStatus, Injectable } from '@nestjs/common';
import { pause, systemClock } from '@orders-pipeline/clock';
import { OrderResponseSchema } from '#orders/order/order-response.js';
import { queryInteger } from '#service/http/request-input.js';
import { ArchivedIds } from '#orders/archive/archived-ids.js';
import { notFound, Problem } from '#service/http/problem.js';
import type { Order } from '#orders/order/order.js';
import { SavedOrders } from './saved-orders.js';
import { inTrace } from '#service/telemetry/tracing.js';

const MAX_IDS = 1_000;

/** No example: Swagger UI would send it, and no order has it. */
export const orderId = z
  .guid({ error: ({ input }) => explainId(input) })
  .transform((id) => id.toLowerCase())
  .describe('The id of an order, such as one of `items` in `GET /v1/orders`.');

/** Explains an invalid id; for a number, with the request that finds the order of this number. */
function explainId(id: unknown): string {
  const number = /^[1-9]\d{0,15}$/.exec(String(id))?.[0];
  if (number === undefined) return 'must be a UUID';
  return `must be a UUID (/v1/orders/range?from=${number}&to=${number} has the order of a number)`;
}

/** `POST /v1/orders/batch-get`. */
export const BatchGetSchema = z
  .strictObject({
    ids: z
      .array(orderId)
      .min(1)
      .max(MAX_IDS)
      .describe('Up to 1,000 ids; duplicates count once.')
      .meta({ examples: [['970844c7-0d33-82a3-ba87-000000001266']] }),
  })
  .meta({ title: 'BatchGetRequest' });

export const BatchGetResponseSchema = z
  .object({
    items: z.array(OrderResponseSchema).describe('The saved orders, in the order of the requested ids.'),
    missing: z.array(z.uuid()).describe('The ids of orders that do not exist, are not saved yet, or are archived.'),
  })
  .meta({ title: 'BatchGetResponse' });

export type BatchGet = z.infer<typeof BatchGetSchema>;
export type BatchGetResponse = z.infer<typeof BatchGetResponseSchema>;

const MAX_WAIT_MS = 10_000;

/** `GET /v1/orders/{id}`. */
export const OneOrderQuerySchema = z.strictObject({
  waitMs: queryInteger(0, MAX_WAIT_MS)
    .default(0)
    .meta({ default: 0 })
    .describe('How long to wait for an order that is not saved yet, in milliseconds.'),
});

export type OneOrderQuery = z.infer<typeof OneOrderQuerySchema>;

/** Explains why an order is not among the saved ones. */
@Injectable()
export class AbsentOrders {
  constructor(private readonly archived: ArchivedIds) {}

  /** @throws Problem 404 `order-archived` if the order is in an archive */
  async requireNotArchived(id: string): Promise<void> {
    const range = (await this.archived.find([id])).get(id);
    if (range === undefined) return;
    throw new Problem(
      HttpStatus.NOT_FOUND,
      'order-archived',
      `Order ${id} is archived, and archived orders are not here. It is in ${range.archive}: npm run admin -- archive read ${id} DIR prints it.`,
      { archive: range.archive },
    );
  }

  /** Returns the problem 404 for an order that does not exist or is not saved yet. */
  notSaved(id: string): Problem {
    return notFound(`There is no saved order ${id}.`);
  }
}

const POLL_INTERVAL_MS = 50;

interface Waiting {
  readonly id: string;
  readonly until: number;
  readonly signal: AbortSignal;
  readonly settle: (order: Order | null) => void;
  readonly fail: (error: unknown) => void;
}

/** Waits for orders that are not saved yet; `WaitingReads` limits how many. One query polls all of them every 50 ms while requests wait. */
@Injectable()
export class AwaitedOrders {
  private readonly waiting = new Set<Waiting>();
  private isPolling = false;

  constructor(private readonly saved: SavedOrders) {}

  /**
   * Waits until an order is saved, for at most `waitMs`.
   * @param id in lower case
   * @param signal ends the wait when the client disconnects
   * @returns the order as soon as it is saved; `null` after `waitMs`
   */
  async find(id: string, waitMs: number, signal: AbortSignal): Promise<Order | null> {
    const until = systemClock.now() + waitMs;
    return new Promise<Order | null>((settle, fail) => {
      this.waiting.add({ id, until, signal, settle, fail });
      if (!this.isPolling) void inTrace(undefined, async () => this.poll());
    });
  }

  private async poll(): Promise<void> {
    this.isPolling = true;
    while (this.waiting.size > 0) {
      await pause(systemClock, POLL_INTERVAL_MS);
      try {
        await this.settleReady();
      } catch (error) {
        for (const waiting of this.waiting) waiting.fail(error);
        this.waiting.clear();
      }
    }
    this.isPolling = false;
  }

  private async settleReady(): Promise<void> {
    const now = systemClock.now();
    const polled = [...this.waiting];
    const orders = await this.saved.byIds(new Set(polled.map(({ id }) => id)));
    for (const waiting of polled) {
      const order = orders.get(waiting.id);
      if (order === undefined && now < waiting.until && !waiting.signal.aborted) continue;
      this.waiting.delete(waiting);
      waiting.settle(order ?? null);
    }
  }
}
