import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { oneOf, type Draw } from '../../faults/fault.js';
import type { NewEvent } from '../../history/history.js';
import type { FacadeAddress } from '../ground/migration-apps.js';
import { ClientMemory, isRecord, type ClientRead } from './client-memory.js';
import { requestFacade, type FacadeText } from './facade-request.js';
import type { WrittenOrder, WrittenOrders } from './written-orders.js';

const PAUSE_MS = 60;
const RETRY_MS = 150;
const MAX_TRIES = 100;
const PERCENT = 100;
const WRITES_PERCENT = 40;
const WITHOUT_ID_PERCENT = 20;
/** Clients that give up have writes of unknown outcome, which must not come back out of order or twice. */
const GIVES_UP_PERCENT = 10;
const RANGE = 30;
const NUMBERS_PER_PAGE = 1_000;

export interface ClientParts {
  readonly facades: readonly FacadeAddress[];
  readonly accounts: readonly string[];
  readonly orders: WrittenOrders;
  readonly draw: Draw;
  readonly now: () => number;
  readonly note: (event: NewEvent) => void;
  /** Counts a request that was answered. */
  readonly answered: (what: 'read' | 'write') => void;
  /** Called at once after each acknowledgement. */
  readonly onAcked: (order: WrittenOrder, record: LegacyRecord) => Promise<void>;
}

/** A client of the legacy API: writes orders of its own accounts, and reads, one request after another, through all facades. */
export class Client {
  readonly memory = new ClientMemory();
  private isPaused = false;
  private isOver = false;
  private turn: Promise<void> = Promise.resolve();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: ClientParts) {}

  begin(): void {
    this.running = this.run();
  }

  /** Resolves when no request is running. */
  async pause(): Promise<void> {
    this.isPaused = true;
    await this.turn;
  }

  resume(): void {
    this.isPaused = false;
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      if (!this.isPaused) {
        this.turn = this.parts.draw(PERCENT) < WRITES_PERCENT ? this.write() : this.read();
        await this.turn;
      }
      await delay(PAUSE_MS);
    }
  }

  private async write(): Promise<void> {
    const { accounts, orders, draw, now, note, facades } = this.parts;
    const accountId = oneOf(accounts, draw);
    const id = draw(PERCENT) < WITHOUT_ID_PERCENT ? undefined : randomUUID();
    const order = orders.begin(accountId, id, now());
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const facade = oneOf(facades, draw);
      const answer = await requestFacade(facade, '/orders', bodyOf(order));
      if (!('type' in answer)) return this.acked(order, facade, answer);
      note(answer);
      if (id === undefined || draw(PERCENT) < GIVES_UP_PERCENT) return;
      await delay(RETRY_MS);
    }
  }

  private async acked(order: WrittenOrder, facade: FacadeAddress, { status, text }: FacadeText): Promise<void> {
    const { answered, note, now, onAcked } = this.parts;
    const record: unknown = status === 200 || status === 201 ? JSON.parse(text) : undefined;
    if (!isRecord(record) || !isOf(record, order)) {
      const reason = `the write ${order.serial} of ${order.accountId} was answered by ${status} ${text.slice(0, 300)}`;
      return note({ type: 'wrong-answer', facade: facade.name, reason });
    }
    answered('write');
    order.acked = { record, at: now() };
    this.memory.learn(record);
    await onAcked(order, record);
  }

  private async read(): Promise<void> {
    const { facades, draw, note, answered } = this.parts;
    const facade = oneOf(facades, draw);
    const read = this.nextRead();
    if (read === undefined) return;
    const answer = await requestFacade(facade, read.path);
    if ('type' in answer) return note(answer);
    answered('read');
    const { status, text } = answer;
    const reason = status === 200 ? this.memory.judge(read, text) : `${read.path}: status ${status} ${text}`;
    if (reason !== undefined) note({ type: 'wrong-answer', facade: facade.name, reason });
  }

  /** Half of the reads ask for one of the newest orders, where an older state shows first. */
  private nextRead(): ClientRead | undefined {
    const { draw } = this.parts;
    const { ids } = this.memory;
    if (ids.length === 0) return undefined;
    const id = draw(2) === 0 ? ids[Math.max(0, ids.length - 1 - draw(5))] : oneOf(ids, draw);
    const number = id === undefined ? undefined : this.memory.numberOf(id);
    if (id === undefined || number === undefined) return undefined;
    const kind = draw(10);
    if (kind < 6) return { path: `/orders/${id}`, id };
    if (kind < 9) {
      const [from, to] = [Math.max(1, number - draw(RANGE)), number + draw(RANGE)];
      return { path: `/orders/range?start=${from}&end=${to}`, from, to };
    }
    const page = Math.floor((number - 1) / NUMBERS_PER_PAGE) + 1;
    return {
      path: `/orders/page/${page}`,
      from: (page - 1) * NUMBERS_PER_PAGE + 1,
      to: page * NUMBERS_PER_PAGE,
    };
  }
}

function bodyOf({ id, accountId, serial }: WrittenOrder): object {
  const content = { accountId, side: 'buy', symbol: 'CHAOS', quantity: serial, price: 187.35, currency: 'EUR' };
  return id === undefined ? content : { id, ...content };
}

function isOf(record: LegacyRecord, { id, accountId, serial }: WrittenOrder): boolean {
  return (id === undefined || record.id === id) && record.accountId === accountId && record.quantity === serial;
}
