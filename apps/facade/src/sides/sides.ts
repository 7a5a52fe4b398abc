import type { z } from 'zod';
import type { Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import type { settingsSchema } from '../settings-schema.js';
import { LegacySide } from './legacy-side.js';
import { TargetApi, TargetToken, type TokenClient } from './target-api.js';
import { DeadLetteredOrders, deadLetterNumbers, TargetSide } from './target-side.js';
import { SIDES, type SideName } from './side.js';
import { SideConnection } from './side-connection.js';

/** The settings of the connections. */
export type SideSettings = Pick<
  z.infer<typeof settingsSchema>,
  | 'LEGACY_URL'
  | 'PRODUCER_URL'
  | 'QUERY_API_URL'
  | 'LEGACY_CONNECTIONS'
  | 'LEGACY_TIMEOUT_MS'
  | 'NEW_SIDE_CONNECTIONS'
  | 'NEW_SIDE_TIMEOUT_MS'
>;

/** Both sides for one purpose, over connections of their own. */
export interface SidePair {
  readonly legacy: LegacySide;
  readonly new: TargetSide;
}

/** How an open circuit breaker shows in the metrics. */
interface WatchedBreaker {
  readonly side: SideName;
  readonly purpose: string;
  readonly isOpen: () => boolean;
}

/** Comparisons give way to everything else. */
const COMPARING_CONNECTIONS = 32;
const OUTBOX_CONNECTIONS = 64;
/** A verification and a backfill read one page after another, and an import is sent whole. */
const RUNNING_CONNECTIONS = 8;
const RUNNING_TIMEOUT_MS = timeLimit(30_000);

/** The connections to both sides. Each purpose has its own, so that one that hangs uses up nothing of another. */
export class Sides {
  /** For reads of clients. Long ones may hold all of their connections. */
  readonly reading: SidePair;
  /** For writes of clients, and what only they wait for. */
  readonly answering: SidePair;
  /** For the outbox, which writes to the secondary. */
  readonly outbox: SidePair;
  /** For verifications and backfills. */
  readonly runs: SidePair;
  /** For comparisons. They wait as long as a client would: the gate must not count answers as failures that a client would get. */
  readonly comparing: SidePair;
  private readonly connections = new Map<string, SideConnection[]>();
  private readonly token: TargetToken;
  private readonly deadLetters: DeadLetteredOrders;

  /** Connects at the first request. @param client `undefined`: the target requires no tokens */
  constructor(
    private readonly settings: SideSettings,
    private readonly zone: LegacyTimeZone,
    private readonly clock: Clock,
    client?: TokenClient,
  ) {
    this.token = new TargetToken(client, clock);
    const letters = this.targetApi('dead-letters', settings.PRODUCER_URL, COMPARING_CONNECTIONS);
    // One for all purposes: the outbox waits for orders that a request of a client has written.
    this.deadLetters = new DeadLetteredOrders(deadLetterNumbers(letters), clock);
    const { LEGACY_CONNECTIONS, NEW_SIDE_CONNECTIONS } = settings;
    this.reading = this.connect('answering', LEGACY_CONNECTIONS, NEW_SIDE_CONNECTIONS);
    this.answering = this.connect('answering', LEGACY_CONNECTIONS, NEW_SIDE_CONNECTIONS);
    this.outbox = this.connect('outbox', OUTBOX_CONNECTIONS);
    this.runs = this.connect('runs', RUNNING_CONNECTIONS, RUNNING_CONNECTIONS, RUNNING_TIMEOUT_MS);
    this.comparing = this.connect('comparing', COMPARING_CONNECTIONS);
  }

  get breakers(): readonly WatchedBreaker[] {
    return [...this.connections].flatMap(([purpose, each]) =>
      SIDES.map((side) => ({
        side,
        purpose,
        isOpen: () => each.some((connection) => connection.side === side && connection.isBreakerOpen),
      })),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.connections.values()].flat().map(async (connection) => connection.close()));
  }

  private connect(purpose: string, ofLegacy: number, ofTarget = ofLegacy, timeoutMs?: number): SidePair {
    const { LEGACY_URL, LEGACY_TIMEOUT_MS, PRODUCER_URL, QUERY_API_URL } = this.settings;
    const legacy = this.connection(purpose, 'legacy', LEGACY_URL, ofLegacy, timeoutMs ?? LEGACY_TIMEOUT_MS);
    const producer = this.targetApi(purpose, PRODUCER_URL, ofTarget, timeoutMs);
    const queryApi = this.targetApi(purpose, QUERY_API_URL, ofTarget, timeoutMs);
    return {
      legacy: new LegacySide(legacy, this.zone),
      new: new TargetSide(producer, queryApi, this.deadLetters, this.zone),
    };
  }

  private targetApi(purpose: string, url: string, connections: number, timeoutMs?: number): TargetApi {
    const limitMs = timeoutMs ?? this.settings.NEW_SIDE_TIMEOUT_MS;
    return new TargetApi(this.connection(purpose, 'new', url, connections, limitMs), this.token);
  }

  private connection(
    purpose: string,
    side: SideName,
    url: string,
    connections: number,
    timeoutMs: number,
  ): SideConnection {
    const connection = new SideConnection({ side, url, connections, timeoutMs, clock: this.clock });
    this.connections.set(purpose, [...(this.connections.get(purpose) ?? []), connection]);
    return connection;
  }
}
