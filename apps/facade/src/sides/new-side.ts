import { z } from 'zod';
import { toIntake } from '#legacy/translation/api-order.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { AcceptedOrder, DeadLetteredOrders } from './dead-lettered-orders.js';
import { isFinalRefusal } from './final-refusal.js';
import { problemIn, refusedPlaces, type NewProblem } from './new-problem.js';
import type { NewSideToken } from './new-side-token.js';
import type { WriteOutcome, WrittenSide } from './side.js';
import { SideAwayError } from './side-away-error.js';
import type { SideConnection, WholeAnswer } from './side-connection.js';

/** The limit of the producer's `POST /v1/orders` and of the query API's `batch-get`. */
const MAX_ORDERS = 1_000;
/** 1,000 orders with every field at its longest are below this. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

export interface NewSideConnections {
  readonly producer: SideConnection;
  readonly queryApi: SideConnection;
}

/** The new side: writes by the producer's intake, reads by the query API. */
export class NewSide implements WrittenSide {
  readonly name = 'new';

  constructor(
    private readonly connections: NewSideConnections,
    private readonly token: NewSideToken,
    private readonly deadLetters: DeadLetteredOrders,
  ) {}

  /**
   * Writes arrays of up to 1,000, one after another: the topic then has the orders of each account in their order. The intake takes an
   * array as a whole or not at all; orders that it refuses are taken out, and the others are sent again. After an unknown outcome,
   * nothing more is sent.
   */
  async write(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (let from = 0; from < orders.length; from += MAX_ORDERS) {
      const part = await this.writeArray(orders.slice(from, from + MAX_ORDERS), signal);
      outcomes.push(...part);
      const unknown = part.find(({ result }) => result === 'unknown');
      if (unknown !== undefined) return [...outcomes, ...orders.slice(outcomes.length).map(() => unknown)];
    }
    return outcomes;
  }

  async areReadable(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ('readable' | 'not-yet' | 'refused')[]> {
    const saved = new Set<string>();
    for (let from = 0; from < ids.length; from += MAX_ORDERS)
      for (const id of await this.saved(ids.slice(from, from + MAX_ORDERS), signal)) saved.add(id);
    this.deadLetters.forget(saved);
    const missing = ids.filter((id) => !saved.has(id));
    const refused = await this.deadLetters.among(missing, signal);
    return ids.map((id) => (saved.has(id) ? 'readable' : refused.has(id) ? 'refused' : 'not-yet'));
  }

  /** @throws when the query API answers no request at all; a status of any kind is an answer */
  async ping(signal: AbortSignal): Promise<void> {
    await this.connections.queryApi.ask({ method: 'GET', path: '/health/live', signal }, MAX_ANSWER_BYTES);
  }

  private async writeArray(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    if (orders.length === 0) return [];
    const answer = await this.post(orders, signal);
    if ('result' in answer) return orders.map(() => answer);
    const places = refusedPlaces(answer, orders.length);
    // An error that names no order, such as a number in use, is that of one of them: the halves show which.
    if (places.size === 0 && orders.length > 1) return this.writeHalves(orders, signal);
    const refusals = orders.map((_, at) => (places.size === 0 ? answer.refusalOf(0) : places.get(at)));
    const others = await this.writeArray(
      orders.filter((_, at) => refusals[at] === undefined),
      signal,
    );
    const left = others.values();
    return refusals.map((refusal) => refusal ?? (left.next().value as WriteOutcome));
  }

  private async writeHalves(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    const half = Math.ceil(orders.length / 2);
    const first = await this.writeArray(orders.slice(0, half), signal);
    const unknown = first.find(({ result }) => result === 'unknown');
    if (unknown !== undefined) return [...first, ...orders.slice(half).map(() => unknown)];
    return [...first, ...(await this.writeArray(orders.slice(half), signal))];
  }

  private async post(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<WriteOutcome | NewProblem> {
    try {
      const answer = await this.connections.producer.ask(
        {
          method: 'POST',
          path: '/v1/orders',
          headers: { 'content-type': 'application/json', ...(await this.token.header()) },
          body: JSON.stringify(orders.map(toIntake)),
          signal,
        },
        MAX_ANSWER_BYTES,
      );
      if (answer.status === 202) {
        this.deadLetters.remember(acceptedIn(answer));
        return { result: 'stored' };
      }
      const problem = problemIn(answer);
      if (isFinalRefusal(answer.status)) return problem;
      this.token.rejected(answer.status);
      return { result: 'unknown', message: `status ${answer.status}: ${problem.detail}` };
    } catch (error) {
      return { result: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  }

  private async saved(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.connections.queryApi.ask(
      {
        method: 'POST',
        path: '/v1/orders/batch-get',
        headers: { 'content-type': 'application/json', ...(await this.token.header()) },
        body: JSON.stringify({ ids }),
        signal,
      },
      MAX_ANSWER_BYTES,
    );
    if (answer.status === 200) return idsIn(answer);
    this.token.rejected(answer.status);
    throw new SideAwayError('new', 'bad-answer', `batch-get responded with ${answer.status}`);
  }
}

const AcceptedSchema = z.object({
  operationId: z.string(),
  items: z.array(z.object({ id: z.string(), number: z.number() })),
});
function acceptedIn({ bytes }: WholeAnswer): AcceptedOrder[] {
  const { operationId, items } = AcceptedSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return items.map(({ id, number }) => ({ id, number, operationId }));
}

function idsIn({ bytes }: WholeAnswer): string[] {
  const { items } = JSON.parse(new TextDecoder().decode(bytes)) as { items: readonly { id: string }[] };
  return items.map(({ id }) => id);
}
