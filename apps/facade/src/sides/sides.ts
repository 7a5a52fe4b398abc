import { z } from 'zod';
import type { Clock } from '@orders-pipeline/clock';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import { type LegacyRead, type SideName, SideAwayError } from './side.js';
import { LegacySide } from './legacy-side.js';
import { NewReads } from './new-reads.js';
import { DeadLetteredOrders, letterNumbers, NewImports, NewSide } from './new-side.js';
import { NewSideToken, type TokenClient } from './new-side-token.js';
import { SideConnection } from './side-connection.js';

/** The orders of at most 2,000 numbers. */
const MAX_BYTES = 1024 * 1024;

const RecordSchema = z.looseObject({
  id: z.string(),
  number: z.int().min(1),
  accountId: z.string(),
  side: z.enum(['buy', 'sell']),
  symbol: z.string(),
  quantity: z.number(),
  price: z.number(),
  amount: z.number(),
  currency: z.string(),
  createdAt: z.string(),
});

/** Reads the orders of either side, in the form of the legacy system. */
export class SideOrders {
  constructor(
    private readonly legacy: LegacySide,
    private readonly newReads: NewReads,
  ) {}

  /**
   * Returns the orders that a side has; none for an unknown id.
   * @throws SideAwayError if it does not answer, or if its answer has something else than orders
   */
  async find(
    side: SideName,
    read: Exclude<LegacyRead, { capability: 'read-by-page' }>,
    signal: AbortSignal,
  ): Promise<readonly LegacyRecord[]> {
    const text = side === 'legacy' ? await this.legacyText(read, signal) : await this.newText(read, signal);
    const value = jsonIn(text, side);
    const parsed = z.array(RecordSchema).safeParse(value === null ? [] : [value].flat());
    if (parsed.success) return parsed.data;
    throw new SideAwayError(side, 'bad-answer', `no orders: ${text.slice(0, 60)}`);
  }

  private async legacyText(read: LegacyRead, signal: AbortSignal): Promise<string> {
    const { status, bytes } = await this.legacy.read(read, MAX_BYTES, signal);
    if (status === 200) return new TextDecoder().decode(bytes);
    throw new SideAwayError('legacy', 'bad-answer', `it responded with ${status}`);
  }

  private async newText(read: LegacyRead, signal: AbortSignal): Promise<string> {
    let text = '';
    for await (const piece of this.newReads.answer(read, signal)) text += piece;
    return text;
  }
}

function jsonIn(text: string, side: SideName): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SideAwayError(side, 'bad-answer', String(error), { cause: error });
  }
}

export interface SidesOptions {
  readonly legacyUrl: string;
  readonly producerUrl: string;
  readonly queryApiUrl: string;
  readonly zone: LegacyTimeZone;
  readonly legacyConnections: number;
  readonly legacyTimeoutMs: number;
  readonly newConnections: number;
  readonly newTimeoutMs: number;
  /** `undefined`: the new side requires no tokens. */
  readonly tokenClient: TokenClient | undefined;
  readonly clock: Clock;
}

/** Both sides for one purpose, over connections of their own. */
export interface SidePair {
  readonly legacy: LegacySide;
  readonly new: NewSide;
  readonly newReads: NewReads;
  readonly imports: NewImports;
}

/** How an open circuit breaker shows in the metrics. */
export interface WatchedBreaker {
  readonly side: SideName;
  readonly purpose: string;
  readonly isOpen: () => boolean;
}

/** Comparisons give way to everything else. */
const COMPARING_CONNECTIONS = 32;
const OUTBOX_CONNECTIONS = 64;
/** A verification and a backfill read one page after another, and an import is sent whole. */
const RUNNING = { connections: 8, timeoutMs: timeLimit(30_000) };

/** The connections to both sides. Each purpose has its own, so that one that hangs uses up nothing of another. */
export class Sides {
  readonly breakers: readonly WatchedBreaker[];
  private readonly connections: readonly SideConnection[];

  private constructor(
    /** For reads of clients. */
    readonly reading: SidePair,
    /** For writes of clients, and what only they wait for. */
    readonly answering: SidePair,
    /** For the outbox, which writes the second side. */
    readonly outbox: SidePair,
    /** For verifications and backfills. */
    readonly runs: SidePair,
    /** For comparisons. */
    readonly comparing: SidePair,
    connections: ReadonlyMap<string, readonly SideConnection[]>,
  ) {
    this.connections = [...connections.values()].flat();
    this.breakers = [...connections].flatMap(([purpose, each]) =>
      (['legacy', 'new'] as const).map((side) => ({
        side,
        purpose,
        isOpen: () => each.some((connection) => connection.side === side && connection.isBroken),
      })),
    );
  }

  /** Connects at the first request. */
  static of(options: SidesOptions): Sides {
    const { producerUrl, tokenClient, clock } = options;
    const token = new NewSideToken(tokenClient, clock);
    const { legacyConnections, legacyTimeoutMs, newConnections, newTimeoutMs } = options;
    // Comparisons wait as long as a client would: the gate must not count answers as failures that a client would get.
    const comparingLegacy = { connections: COMPARING_CONNECTIONS, timeoutMs: legacyTimeoutMs };
    const comparingNew = { connections: COMPARING_CONNECTIONS, timeoutMs: newTimeoutMs };
    const letters = new SideConnection({ side: 'new', url: producerUrl, ...comparingNew, clock });
    // One for all purposes: the outbox waits for orders that a request of a client has written.
    const shared = { token, deadLetters: new DeadLetteredOrders(letterNumbers(letters, token), clock) };
    // Reads have connections of their own: long ones may hold all of them.
    const ofClients = {
      legacy: { connections: legacyConnections, timeoutMs: legacyTimeoutMs },
      new: { connections: newConnections, timeoutMs: newTimeoutMs },
    };
    const reading = connect(options, shared, ofClients);
    const answering = connect(options, shared, ofClients);
    const outbox = connect(options, shared, {
      legacy: { connections: OUTBOX_CONNECTIONS, timeoutMs: legacyTimeoutMs },
      new: { connections: OUTBOX_CONNECTIONS, timeoutMs: newTimeoutMs },
    });
    const runs = connect(options, shared, { legacy: RUNNING, new: RUNNING });
    const comparing = connect(options, shared, { legacy: comparingLegacy, new: comparingNew });
    const connections = new Map([
      ['answering', [...reading.connections, ...answering.connections]],
      ['outbox', outbox.connections],
      ['runs', runs.connections],
      ['comparing', comparing.connections],
      ['dead-letters', [letters]],
    ]);
    return new Sides(reading.pair, answering.pair, outbox.pair, runs.pair, comparing.pair, connections);
  }

  async close(): Promise<void> {
    await Promise.all(this.connections.map(async (connection) => connection.close()));
  }
}

interface Limits {
  readonly connections: number;
  readonly timeoutMs: number;
}

function connect(
  { legacyUrl, producerUrl, queryApiUrl, zone, clock }: SidesOptions,
  { token, deadLetters }: { readonly token: NewSideToken; readonly deadLetters: DeadLetteredOrders },
  limits: Readonly<Record<SideName, Limits>>,
): { readonly pair: SidePair; readonly connections: readonly SideConnection[] } {
  const legacy = new SideConnection({ side: 'legacy', url: legacyUrl, ...limits.legacy, clock });
  const producer = new SideConnection({ side: 'new', url: producerUrl, ...limits.new, clock });
  const queryApi = new SideConnection({ side: 'new', url: queryApiUrl, ...limits.new, clock });
  const pair = {
    legacy: new LegacySide(legacy, zone),
    new: new NewSide({ producer, queryApi }, token, deadLetters),
    newReads: new NewReads(queryApi, token, zone),
    imports: new NewImports(producer, token),
  };
  return { pair, connections: [legacy, producer, queryApi] };
}
