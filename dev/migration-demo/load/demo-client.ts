import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { FacadeRequests } from './facade-requests.js';
import { inventOrder } from './invented-order.js';
import { judgeList, judgeOrder, judgeWrite, type Judgement, type KnownOrder } from './judge.js';
import type { RequestKind, RequestLog } from './request-log.js';
import type { Sightings } from './sightings.js';

/** What all clients share. */
export interface ClientParts {
  readonly facade: FacadeRequests;
  readonly log: RequestLog;
  readonly sightings: Sightings;
  /** The orders that the legacy system had before, by number from 1 on. */
  readonly old: readonly KnownOrder[];
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /** Aborted when writes without an outcome are no longer repeated. */
  readonly givenUp: AbortSignal;
}

/** An order that a client knows to be stored. */
export interface Acknowledged extends KnownOrder {
  /** When it was acknowledged, in milliseconds since 1970. */
  readonly at: number;
}

const PER_PAGE = 1_000;
const AROUND = 10;
const RETRY_AFTER_MS = 1_000;
/** Most reads are of the newest orders: there, a stale answer shows. */
const NEWEST_SHARE = 0.7;

/**
 * A client of the legacy API with an account of its own. It sends one request after the other, remembers each order that it was
 * answered, and judges each answer by what it knew before: it must read its own writes, and its reads must not go backwards.
 */
export class DemoClient {
  readonly acknowledged: Acknowledged[] = [];
  /** The numbers that it was answered, besides the old ones. */
  private readonly known = new Set<number>();

  constructor(
    private readonly accountId: string,
    private readonly parts: ClientParts,
  ) {}

  async write(): Promise<void> {
    const order = inventOrder(this.accountId, this.parts.random);
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
    };
    // Under its id, it may be repeated until its outcome is known.
    while (!(await this.request('writes', '/orders', init, (body) => judgeWrite(body, order)))) {
      if (this.parts.givenUp.aborted) return;
      await delay(RETRY_AFTER_MS);
    }
  }

  async readById(): Promise<void> {
    if (this.parts.random() < 0.05) {
      await this.request('read-by-id', `/orders/${randomUUID()}`, {}, (body) => judgeOrder(body, undefined));
      return;
    }
    const order = this.anyOrder();
    await this.request('read-by-id', `/orders/${order.id}`, {}, (body) => judgeOrder(body, order.text));
  }

  async readByPage(): Promise<void> {
    const page = Math.ceil(this.anyOrder().number / PER_PAGE);
    await this.readList('read-by-page', `/orders/page/${page}`, {
      from: (page - 1) * PER_PAGE + 1,
      to: page * PER_PAGE,
    });
  }

  async readByRange(): Promise<void> {
    const { number } = this.anyOrder();
    const [from, to] = [Math.max(1, number - AROUND), number + AROUND];
    await this.readList('read-by-range', `/orders/range?start=${from}&end=${to}`, { from, to });
  }

  private async readList(kind: RequestKind, path: string, asked: { from: number; to: number }): Promise<void> {
    const known = this.knownIn(asked);
    await this.request(kind, path, {}, (body) => judgeList(body, asked, known));
  }

  private anyOrder(): KnownOrder {
    const { old, random } = this.parts;
    const own = this.acknowledged.at(-1 - Math.floor(random() * 3));
    const one = old[Math.floor(random() * old.length)];
    const chosen = random() < NEWEST_SHARE ? (own ?? one) : (one ?? own);
    if (chosen === undefined) throw new Error('there are no orders to read');
    return chosen;
  }

  private knownIn({ from, to }: { readonly from: number; readonly to: number }): ReadonlyMap<number, string> {
    const found = new Map<number, string>();
    for (let number = from; number <= to; number += 1) {
      const order =
        this.parts.old[number - 1] ?? (this.known.has(number) ? this.parts.sightings.at(number) : undefined);
      if (order !== undefined) found.set(number, order.text);
    }
    return found;
  }

  /** @returns whether the request was answered */
  private async request(
    kind: RequestKind,
    path: string,
    init: RequestInit,
    judge: (body: string) => Judgement,
  ): Promise<boolean> {
    const { facade, log } = this.parts;
    const from = Date.now();
    const stage = log.stageOf(kind);
    const began = performance.now();
    const answer = await facade.send(path, init);
    const ms = performance.now() - began;
    log.repeated += answer?.repeats ?? 0;
    if (answer === undefined || answer.status >= 500) {
      const { code, message } = answer === undefined ? NO_CONNECTION : problemIn(answer.text);
      log.failed.push({ kind, stage, code, message, from, to: Date.now() });
      return false;
    }
    log.answered(kind, stage, ms);
    const judged = answer.status > 201 ? refused(answer.status, answer.text) : judge(answer.text);
    const reason = judged.verdict === 'wrong' ? judged.reason : this.remember(judged.orders, kind === 'writes');
    if (reason !== undefined) log.judgedWrong({ kind, stage, path, reason, at: Date.now() });
    return true;
  }

  /** @returns what contradicts an earlier answer; `undefined`: nothing */
  private remember(orders: readonly KnownOrder[], isWrite: boolean): string | undefined {
    const { sightings, old } = this.parts;
    for (const order of orders) {
      if (order.number <= old.length) {
        if (order.text !== old[order.number - 1]?.text) return `old order ${order.number} is ${order.text}`;
        continue;
      }
      const contradiction = sightings.note(order);
      if (contradiction !== undefined) return contradiction;
      this.known.add(order.number);
      if (isWrite) this.acknowledged.push({ ...order, at: Date.now() });
    }
    return undefined;
  }
}

const NO_CONNECTION = { code: 'no-connection', message: 'no facade instance took the request' };

function problemIn(text: string): { readonly code: string; readonly message: string } {
  const [, code] = /"code":"([\w-]+)"/.exec(text) ?? [];
  const [, message] = /"message":"([^"]*)"/.exec(text) ?? [];
  return { code: code ?? 'error', message: message ?? text.slice(0, 200) };
}

function refused(status: number, text: string): Judgement {
  return { verdict: 'wrong', reason: `status ${status}: ${text.slice(0, 200)}` };
}
