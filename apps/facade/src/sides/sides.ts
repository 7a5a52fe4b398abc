import type { z } from 'zod';
import type { Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import type { settingsSchema } from '../settings-schema.js';
import { LegacySide } from './legacy-side.js';
import { NewApi, NewSideToken, type TokenClient } from './new-api.js';
import { DeadLetteredOrders, letterNumbers, NewSide } from './new-side.js';
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
  readonly new: NewSide;
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
      SIDES.map((side) => ({
        side,
        purpose,
        isOpen: () => each.some((connection) => connection.side === side && connection.isBroken),
      })),
    );
  }

  /** Connects at the first request. @param client `undefined`: the new side requires no tokens */
  static of(settings: SideSettings, zone: LegacyTimeZone, clock: Clock, client?: TokenClient): Sides {
    const token = new NewSideToken(client, clock);
    const { LEGACY_TIMEOUT_MS: legacyTimeoutMs, NEW_SIDE_TIMEOUT_MS: newTimeoutMs } = settings;
    // Comparisons wait as long as a client would: the gate must not count answers as failures that a client would get.
    const comparingLegacy = { connections: COMPARING_CONNECTIONS, timeoutMs: legacyTimeoutMs };
    const comparingNew = { connections: COMPARING_CONNECTIONS, timeoutMs: newTimeoutMs };
    const letters = new SideConnection({ side: 'new', url: settings.PRODUCER_URL, ...comparingNew, clock });
    // One for all purposes: the outbox waits for orders that a request of a client has written.
    const shared = {
      settings,
      zone,
      clock,
      token,
      deadLetters: new DeadLetteredOrders(letterNumbers(new NewApi(letters, token)), clock),
    };
    // Reads have connections of their own: long ones may hold all of them.
    const ofClients = {
      legacy: { connections: settings.LEGACY_CONNECTIONS, timeoutMs: legacyTimeoutMs },
      new: { connections: settings.NEW_SIDE_CONNECTIONS, timeoutMs: newTimeoutMs },
    };
    const reading = connect(shared, ofClients);
    const answering = connect(shared, ofClients);
    const outbox = connect(shared, {
      legacy: { connections: OUTBOX_CONNECTIONS, timeoutMs: legacyTimeoutMs },
      new: { connections: OUTBOX_CONNECTIONS, timeoutMs: newTimeoutMs },
    });
    const runs = connect(shared, { legacy: RUNNING, new: RUNNING });
    const comparing = connect(shared, { legacy: comparingLegacy, new: comparingNew });
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

/** What the connections of all purposes share. */
interface Shared {
  readonly settings: SideSettings;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
  readonly token: NewSideToken;
  readonly deadLetters: DeadLetteredOrders;
}

function connect(
  { settings, zone, clock, token, deadLetters }: Shared,
  limits: Readonly<Record<SideName, Limits>>,
): { readonly pair: SidePair; readonly connections: readonly SideConnection[] } {
  const legacy = new SideConnection({ side: 'legacy', url: settings.LEGACY_URL, ...limits.legacy, clock });
  const producer = new SideConnection({ side: 'new', url: settings.PRODUCER_URL, ...limits.new, clock });
  const queryApi = new SideConnection({ side: 'new', url: settings.QUERY_API_URL, ...limits.new, clock });
  const pair = {
    legacy: new LegacySide(legacy, zone),
    new: new NewSide(new NewApi(producer, token), new NewApi(queryApi, token), deadLetters, zone),
  };
  return { pair, connections: [legacy, producer, queryApi] };
}
