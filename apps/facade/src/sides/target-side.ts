import { z } from 'zod';
import { FormDataEncoder } from 'form-data-encoder';
import type { Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { toOrderBody } from '#legacy/translation/api-order.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { LegacyRecord } from '#legacy/translation/to-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import {
  type FewOrders,
  isFinalRefusal,
  type Readability,
  recordsIn,
  SideUnavailableError,
  type WriteOutcome,
  type WrittenSide,
} from './side.js';
import { textOf, type WholeAnswer } from './side-connection.js';
import type { TargetApi } from './target-api.js';
import { TargetReads } from './target-reads.js';

/** An order that the target accepted, with its number there. */
interface AcceptedOrder {
  readonly id: string;
  readonly operationId: string;
  /** Its number on the target. */
  readonly number: number;
}

/** Returns the numbers of an operation's orders that are pending dead letters. */
type DeadLetterNumbers = (operationId: string, signal: AbortSignal) => Promise<ReadonlySet<number>>;

/** An order that is not saved by then may be a dead letter; the save takes about a second. */
const OVERDUE_MS = timeLimit(5_000);
/** Overdue orders are asked about once in this time, however often `among` is called. */
const SEARCH_MS = 2_000;
const MAX_REMEMBERED = 50_000;

/**
 * Finds which accepted orders became dead letters: they will not be saved without a person. The target finds dead letters by operation and
 * number, so the orders of this process are remembered until they are saved; those of an earlier process are not found.
 */
export class DeadLetteredOrders {
  private readonly accepted = new Map<string, AcceptedOrder & { readonly at: number }>();
  private readonly found = new Set<string>();
  private searchedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly deadLettersOf: DeadLetterNumbers,
    private readonly clock: Clock,
  ) {}

  remember(orders: readonly AcceptedOrder[]): void {
    const at = this.clock.now();
    for (const order of orders) {
      // A repeated write has a new number, and so perhaps another dead letter.
      this.accepted.delete(order.id);
      this.accepted.set(order.id, { ...order, at });
      const [oldest] = this.accepted.keys();
      if (this.accepted.size > MAX_REMEMBERED && oldest !== undefined) this.accepted.delete(oldest);
    }
  }

  forget(saved: Iterable<string>): void {
    for (const id of saved) {
      this.accepted.delete(id);
      this.found.delete(id);
    }
  }

  /** Returns the dead letters among orders that are not saved. @throws if the target does not answer */
  async among(ids: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const now = this.clock.now();
    const overdue = ids.flatMap((id) => this.accepted.get(id) ?? []).filter(({ at }) => now - at >= OVERDUE_MS);
    if (overdue.length > 0 && now - this.searchedAt >= SEARCH_MS) {
      this.searchedAt = now;
      for (const [operationId, orders] of Map.groupBy(overdue, (order) => order.operationId)) {
        const numbers = await this.deadLettersOf(operationId, signal);
        for (const { id, number } of orders) if (numbers.has(number)) this.found.add(id);
      }
    }
    return new Set(ids.filter((id) => this.found.has(id)));
  }
}

const ProblemSchema = z.looseObject({
  code: z.string().default('refused'),
  detail: z.string().default(''),
  errors: z.array(z.looseObject({ pointer: z.string().default(''), detail: z.string().default('') })).default([]),
});

const SHOWN_CHARACTERS = 200;
/** The first segment of a JSON pointer (RFC 6901) into an array. */
const PLACE = /^\/(\d{1,6})(?:\/(.*))?$/;

type Refusal = Extract<WriteOutcome, { result: 'refused' }>;

/** Why the target refused a request: the problem details of its answer, or the beginning of any other text. */
class TargetProblem {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: readonly { readonly pointer: string; readonly detail: string }[],
  ) {}

  /** Returns the refusal of an order of the array: the errors of its fields, or the whole problem. */
  refusalOf(place: number): Refusal {
    const own = this.errors.flatMap(({ pointer, detail }) => {
      const [, index, field] = PLACE.exec(pointer) ?? [];
      return Number(index) === place ? [`${field ?? 'the order'} ${detail}`] : [];
    });
    const message = own.length === 0 ? this.detail : own.join('; ');
    return { result: 'refused', code: this.code, message, status: this.status };
  }
}

function problemIn(answer: WholeAnswer): TargetProblem {
  const text = textOf(answer);
  const parsed = ProblemSchema.safeParse(jsonIn(text));
  if (!parsed.success) return new TargetProblem(answer.status, 'refused', text.slice(0, SHOWN_CHARACTERS), []);
  const { code, detail, errors } = parsed.data;
  return new TargetProblem(answer.status, code, detail, errors);
}

/** Returns the refusals by the place of their order in the array that was sent; none if the problem names no place. */
function refusedPlaces(problem: TargetProblem, count: number): Map<number, Refusal> {
  const places = problem.errors.map(({ pointer }) => Number(PLACE.exec(pointer)?.[1] ?? Number.NaN));
  return new Map(places.filter((at) => at < count).map((at) => [at, problem.refusalOf(at)]));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const DeadLettersSchema = z.object({
  items: z.array(z.object({ number: z.number().nullable() })),
  page: z.object({ next: z.string().startsWith('/v1/').optional() }),
});

/** Pages of 100 dead letters of one operation. More of them are an incident that a person sees. */
const MAX_PAGES = 20;
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns a function that lists the pending dead letters of an operation by the producer's API. It throws a SideUnavailableError. */
export function deadLetterNumbers(producer: TargetApi): DeadLetterNumbers {
  return async (operationId, signal) => {
    const numbers = new Set<number>();
    let path: string | undefined = `/v1/dead-letters/records?operationId=${operationId}&state=pending&pageSize=100`;
    for (let page = 0; path !== undefined && page < MAX_PAGES; page += 1) {
      const answer = await producer.ask({ method: 'GET', path, signal }, MAX_PAGE_BYTES);
      if (answer.status !== 200)
        throw new SideUnavailableError('new', 'bad-answer', `${path} responded with ${answer.status}`);
      const letters = DeadLettersSchema.parse(JSON.parse(textOf(answer)));
      for (const { number } of letters.items) if (number !== null) numbers.add(number);
      path = letters.page.next;
    }
    return numbers;
  };
}

const MAX_OPERATION_BYTES = 64 * 1024;
const OperationSchema = z.looseObject({ id: z.uuid() });

/** A file of an import. */
export interface ImportFile {
  readonly name: string;
  /** A JSON array of rows. */
  readonly content: string;
}

/** The limit of the producer's `POST /v1/orders` and of the query API's `batch-get`. */
const MAX_ORDERS = 1_000;
/** 1,000 orders with every field at its longest are below this. */
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** The target: writes and imports by the producer, reads by the query API. */
export class TargetSide implements WrittenSide {
  readonly reads: TargetReads;

  constructor(
    private readonly producer: TargetApi,
    private readonly queryApi: TargetApi,
    private readonly deadLetters: DeadLetteredOrders,
    zone: LegacyTimeZone,
  ) {
    this.reads = new TargetReads(queryApi, zone);
  }

  /**
   * Writes arrays of up to 1,000, one after another: the topic then has the orders of each account in their order. The order API takes an
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

  async areReadable(ids: readonly string[], signal: AbortSignal): Promise<readonly Readability[]> {
    const saved = new Set<string>();
    for (let from = 0; from < ids.length; from += MAX_ORDERS)
      for (const id of await this.saved(ids.slice(from, from + MAX_ORDERS), signal)) saved.add(id);
    this.deadLetters.forget(saved);
    const missing = ids.filter((id) => !saved.has(id));
    const refused = await this.deadLetters.among(missing, signal);
    return ids.map((id) => (saved.has(id) ? 'readable' : refused.has(id) ? 'refused' : 'not-yet'));
  }

  async find(read: FewOrders, signal: AbortSignal): Promise<readonly LegacyRecord[]> {
    let text = '';
    for await (const piece of this.reads.answer(read, signal)) text += piece;
    return recordsIn(text, 'new');
  }

  /** @throws when the query API answers no request at all */
  async ping(signal: AbortSignal): Promise<void> {
    await this.queryApi.ping(signal);
  }

  /**
   * Starts an import; with a key that was used for the same files, returns that import. The files are held in memory.
   * @returns the operation's id
   * @throws SideUnavailableError if there is no answer, or another one than 202
   */
  async startImport(files: readonly ImportFile[], key: string, signal: AbortSignal): Promise<string> {
    const form = new FormData();
    for (const { name, content } of files)
      form.append('files', new File([content], name, { type: 'application/json' }));
    const encoder = new FormDataEncoder(form);
    const headers = { 'content-type': encoder.contentType, 'idempotency-key': key };
    const body = await bodyOf(encoder);
    const request = { method: 'POST', path: '/v1/imports', headers, body, signal } as const;
    const answer = await this.producer.ask(request, MAX_OPERATION_BYTES);
    if (answer.status === 202) return OperationSchema.parse(JSON.parse(textOf(answer))).id;
    const { detail } = problemIn(answer);
    throw new SideUnavailableError('new', 'bad-answer', `/v1/imports responded with ${answer.status}: ${detail}`);
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

  private async post(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<WriteOutcome | TargetProblem> {
    try {
      const answer = await this.producer.post('/v1/orders', orders.map(toOrderBody), signal, MAX_ANSWER_BYTES);
      if (answer.status === 202) {
        this.deadLetters.remember(acceptedIn(answer));
        return { result: 'stored' };
      }
      const problem = problemIn(answer);
      if (isFinalRefusal(answer.status)) return problem;
      return { result: 'unknown', message: `status ${answer.status}: ${problem.detail}` };
    } catch (error) {
      return { result: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  }

  private async saved(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.queryApi.post('/v1/orders/batch-get', { ids }, signal, MAX_ANSWER_BYTES);
    if (answer.status === 200) return SavedSchema.parse(JSON.parse(textOf(answer))).items.map(({ id }) => id);
    throw new SideUnavailableError('new', 'bad-answer', `batch-get responded with ${answer.status}`);
  }
}

async function bodyOf(encoder: FormDataEncoder): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of encoder) parts.push(part);
  return Buffer.concat(parts);
}

const AcceptedSchema = z.object({
  operationId: z.string(),
  items: z.array(z.object({ id: z.string(), number: z.number() })),
});
const SavedSchema = z.object({ items: z.array(z.object({ id: z.string() })) });

function acceptedIn(answer: WholeAnswer): AcceptedOrder[] {
  const { operationId, items } = AcceptedSchema.parse(JSON.parse(textOf(answer)));
  return items.map(({ id, number }) => ({ id, number, operationId }));
}
