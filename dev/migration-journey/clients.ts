import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ClientMemory, Sightings, type ClientRead } from './client-memory.js';
import {
  oneOf,
  type Draw,
  type StoredOrder,
  generateOrder,
  WrittenOrders,
  type WrittenOrder,
} from './stored-orders.js';
import type { RequestKind, RequestLog } from './request-log.js';

/** How the clients of a journey behave. */
interface Behaviour {
  /** The accounts of each client. No two of them write for the same account. */
  readonly accounts: readonly (readonly string[])[];
  /** Requests per second of all clients together. */
  readonly rate: number;
  /** The shares of the kinds of requests, in parts of their sum. */
  readonly mix: Readonly<Record<RequestKind, number>>;
  readonly timeoutMs: number;
  /** Pause before a write without an outcome is repeated. */
  readonly retryMs: number;
  /** Writes without an id can't be repeated. */
  readonly withoutIdPercent: number;
  /** Clients that give up have writes of unknown outcome, which must not come back out of order or twice. */
  readonly givesUpPercent: number;
}

interface ClientsOptions extends Behaviour {
  /** The orders of before: numbers from 1 on without gaps. */
  readonly old: readonly StoredOrder[];
  readonly log: RequestLog;
  /** @param client its index */
  readonly drawOf: (client: number) => Draw;
  readonly routeOf: (client: number) => Route;
  /** Called at once after each acknowledgement. */
  readonly onAcked?: (order: WrittenOrder, stored: StoredOrder) => Promise<void>;
  /** Called when a client could not go on: a defect of the journey. */
  readonly onFailure: (error: unknown) => void;
}

const OUTCOME_WITHIN_MS = 30_000;
const PERCENT = 100;
/** Most reads are of the newest own orders: there, an older state shows. */
const NEWEST_PERCENT = 70;
const NEWEST = 5;
const UNKNOWN_PERCENT = 5;
const AROUND = 30;
const PER_PAGE = 1_000;

/** All clients of a journey. Each sends one request after another, and judges each answer by what it knew before. */
export class Clients {
  readonly orders = new WrittenOrders();
  readonly sightings: Sightings;
  private readonly clients: readonly Client[];
  private readonly over = new AbortController();
  private readonly givenUp = new AbortController();
  private isPaused = false;
  private turns: Promise<void>[] = [];
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ClientsOptions) {
    this.sightings = new Sightings(options.old);
    const { orders, sightings } = this;
    this.clients = options.accounts.map(
      (accounts, at) =>
        new Client({
          ...options,
          own: accounts,
          orders,
          memory: new ClientMemory(sightings),
          draw: options.drawOf(at),
          route: options.routeOf(at),
          givenUp: this.givenUp.signal,
        }),
    );
  }

  begin(): void {
    this.running = Promise.all(this.clients.map(async (client, at) => this.run(client, at)));
    this.running.catch(this.options.onFailure);
  }

  /** Resolves when no request is running. */
  async pause(): Promise<void> {
    this.isPaused = true;
    await Promise.all(this.turns);
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Sends no more requests, and waits for the outcome of each write, 30 s at most. @throws what a client could not handle */
  async end(): Promise<void> {
    this.over.abort();
    const overdue = setTimeout(() => this.givenUp.abort(), OUTCOME_WITHIN_MS);
    await this.running.finally(() => clearTimeout(overdue));
  }

  private async run(client: Client, at: number): Promise<void> {
    const everyMs = (1_000 * this.clients.length) / this.options.rate;
    const { signal } = this.over;
    let next = performance.now() + (at * everyMs) / this.clients.length;
    for (;;) {
      await Promise.allSettled([delay(Math.max(0, next - performance.now()), undefined, { signal })]);
      if (signal.aborted) return;
      next = Math.max(next + everyMs, performance.now());
      if (this.isPaused) continue;
      const turn = client.next();
      this.turns[at] = turn;
      await turn;
    }
  }
}

interface ClientOptions extends ClientsOptions {
  readonly own: readonly string[];
  readonly orders: WrittenOrders;
  readonly memory: ClientMemory;
  readonly draw: Draw;
  readonly route: Route;
  /** Aborted when writes without an outcome are no longer repeated. */
  readonly givenUp: AbortSignal;
}

class Client {
  private readonly kinds: readonly RequestKind[];
  private readonly acknowledged: StoredOrder[] = [];

  constructor(private readonly options: ClientOptions) {
    const shares = Object.entries(options.mix) as [RequestKind, number][];
    this.kinds = shares.flatMap(([kind, share]) => Array.from({ length: share }, () => kind));
  }

  async next(): Promise<void> {
    const kind = oneOf(this.kinds, this.options.draw);
    if (kind === 'writes') return this.write();
    const read = this.nextRead(kind);
    await this.request(kind, read.path, undefined, (text) => this.options.memory.judge(read, text));
  }

  private async write(): Promise<void> {
    const { own, orders, draw, log, withoutIdPercent, givesUpPercent, retryMs, givenUp, onAcked } = this.options;
    const id = draw(PERCENT) < withoutIdPercent ? undefined : randomUUID();
    const order = orders.begin(oneOf(own, draw), id, log.now());
    const sent = generateOrder(order, draw);
    while (!(await this.request('writes', '/orders', sent, (text) => this.acked(order, sent, text)))) {
      if (id === undefined || draw(PERCENT) < givesUpPercent || givenUp.aborted) return;
      await delay(retryMs);
    }
    if (order.acked !== undefined) await onAcked?.(order, order.acked.order);
  }

  private acked(order: WrittenOrder, sent: object, text: string): string | undefined {
    const { memory, log } = this.options;
    const judged = memory.judgeWrite(text, sent as ReturnType<typeof generateOrder>);
    if (typeof judged === 'string') return judged;
    order.acked = { order: judged, at: log.now() };
    this.acknowledged.push(judged);
    return undefined;
  }

  private nextRead(kind: RequestKind): ClientRead {
    const { draw } = this.options;
    const { id, number } = this.anyOrder();
    if (kind === 'read-by-id') {
      const asked = draw(PERCENT) < UNKNOWN_PERCENT ? randomUUID() : id;
      return { path: `/orders/${asked}`, id: asked };
    }
    if (kind === 'read-by-range') {
      const [from, to] = [Math.max(1, number - draw(AROUND)), number + draw(AROUND)];
      return { path: `/orders/range?start=${from}&end=${to}`, from, to };
    }
    const page = Math.ceil(number / PER_PAGE);
    return { path: `/orders/page/${page}`, from: (page - 1) * PER_PAGE + 1, to: page * PER_PAGE };
  }

  private anyOrder(): StoredOrder {
    const { draw, old, memory } = this.options;
    const newest = this.acknowledged.slice(-NEWEST);
    if (newest.length > 0 && draw(PERCENT) < NEWEST_PERCENT) return oneOf(newest, draw);
    const at = draw(old.length + memory.learned.length);
    return old[at] ?? oneOf(memory.learned, () => at - old.length);
  }

  /** @returns whether the request was answered */
  private async request(
    kind: RequestKind,
    path: string,
    body: object | undefined,
    judge: (text: string) => string | undefined,
  ): Promise<boolean> {
    const { route, log, timeoutMs } = this.options;
    const [stage, from, began] = [log.stageOf(kind), log.now(), performance.now()];
    const { facade, status, text, repeats } = await requestFacade(route, path, timeoutMs, body);
    if (status === null || status >= 500) {
      const problem = status === null ? { code: 'no-connection', message: text } : problemIn(text);
      log.hasFailed({ kind, stage, facade, status, ...problem, from, to: log.now() });
      return false;
    }
    log.repeated += repeats;
    log.answered(kind, stage, performance.now() - began);
    const reason = status > 201 ? `status ${status}: ${text.slice(0, 200)}` : judge(text);
    if (reason !== undefined) log.judgedWrong({ kind, stage, facade, path, reason, at: log.now() });
    return true;
  }
}

function problemIn(text: string): { readonly code: string; readonly message: string } {
  const [, code] = /"code":"([\w-]+)"/.exec(text) ?? [];
  const [, message] = /"message":"([^"]*)"/.exec(text) ?? [];
  return { code: code ?? 'error', message: message ?? text.slice(0, 200) };
}

/** A facade, at the same address after each restart. */
export interface FacadeAddress {
  readonly name: string;
  readonly url: string;
}

/** What came of a request. */
interface FacadeAnswer {
  /** The facade that answered, or the last one that was tried. */
  readonly facade: string;
  /** `null`: no facade has answered as a whole. */
  readonly status: number | null;
  /** The body, or why there is none. */
  readonly text: string;
  /** How often a facade dropped the connection before. */
  readonly repeats: number;
}

/** Chooses the facades that a request tries in turn, until one answers. */
interface Route {
  next(): readonly FacadeAddress[];
  /** Called for each facade whose connection broke. */
  broke?(facade: FacadeAddress): void;
}

const PAUSE_MS = 100;
/** How long a facade gets no requests after one has failed. */
const AVOIDED_MS = 1_000;
const TRIES = 4;

/** The route of a load balancer: a request whose connection breaks goes to the next facade. The first one is the client's own. */
export class BalancedRoute implements Route {
  private avoidedUntil = 0;

  constructor(private readonly facades: readonly FacadeAddress[]) {}

  next(): readonly FacadeAddress[] {
    const first = performance.now() < this.avoidedUntil ? 1 : 0;
    return Array.from({ length: TRIES }, (_, at) => this.facades[(first + at) % this.facades.length]).flatMap(
      (facade) => facade ?? [],
    );
  }

  broke(facade: FacadeAddress): void {
    if (facade === this.facades[0]) this.avoidedUntil = performance.now() + AVOIDED_MS;
  }
}

/** Sends a request along a route. A write may be repeated if it has an id. */
export async function requestFacade(
  route: Route,
  path: string,
  timeoutMs: number,
  body?: object,
): Promise<FacadeAnswer> {
  let last: FacadeAnswer = { facade: '', status: null, text: 'there is no facade', repeats: 0 };
  for (const [repeats, facade] of route.next().entries()) {
    if (repeats > 1) await delay(PAUSE_MS);
    try {
      const response = await fetch(`${facade.url}${path}`, {
        signal: AbortSignal.timeout(timeoutMs),
        ...(body !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      return { facade: facade.name, status: response.status, text: await response.text(), repeats };
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
      route.broke?.(facade);
      last = { facade: facade.name, status: null, text: reasonOf(error), repeats };
    }
  }
  return last;
}

/** Formats an error in one line, with its cause: an error of `fetch` has its reason there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
