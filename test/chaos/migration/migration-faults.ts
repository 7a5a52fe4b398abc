import { join } from 'node:path';
import { freePort } from '../../../dev/machine/ports.js';
import type { FacadeAddress } from '../../../dev/migration-journey/clients.js';
import { isReady } from '../../../dev/migration-journey/operator.js';
import { ZONE, oneOf, type Draw } from '../../../dev/migration-journey/stored-orders.js';
import type { RunningApps } from '../../../dev/supervisor/apps.js';
import type { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';
import { preloading, stopApps } from '../cluster/cluster.js';
import { Links, type LinkState } from '../cluster/link.js';
import type { AffectedSystem } from '../../../dev/migration-journey/request-log.js';
import { positionAt, type Position } from '../../../dev/migration-journey/position.js';
import { drawsAt, shuffled } from '../history.js';
import { disturbanceOf, killOf, pauseOf, type Fault } from '../fault-kinds.js';

const FACADES = ['facade', 'facade-2'] as const;
type FacadeName = (typeof FACADES)[number];

/** Short time limits, so that a short fault exceeds them. No condition of the gate but those about lost or different orders may fail. */
const SETTINGS = {
  LEGACY_TIME_ZONE: ZONE.name,
  LEGACY_TIMEOUT_MS: '2000',
  NEW_SIDE_TIMEOUT_MS: '2000',
  GATE_MIN_SAMPLES: '0',
  GATE_MAX_ERROR_RATE: '1',
  GATE_P99_FLOOR_MS: '600000',
  RATE_LIMIT_PER_MINUTE: '0',
  SAVE_DELAY_MS: '0..50',
  LOG_LEVEL: 'info',
  TOPIC_PARTITIONS: '6',
};
const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

interface MigrationAppsOptions {
  readonly servers: TemporaryStack;
  /** Folder of the compiled product. */
  readonly productDirectory: string;
  readonly database: string;
  /** Folder of the logs and of the legacy system's files. */
  readonly directory: string;
  /** Called for an app that ended without being killed by the run, or not cleanly when it was stopped. */
  readonly onEnded: (what: string) => void;
}

/** The apps of one journey: the legacy system, the pipeline, and two facades, each with its own link to everything that it needs. */
export class MigrationApps {
  private stopped: Promise<void> | undefined;

  private constructor(
    readonly servers: TemporaryStack,
    readonly links: Links,
    readonly facades: readonly FacadeAddress[],
    /** Folder of the legacy system's files. */
    readonly legacyFolder: string,
  ) {}

  /** Resolves when all apps are ready. @throws StackError; they are stopped then */
  static async start({ servers, directory, database, ...plan }: MigrationAppsOptions): Promise<MigrationApps> {
    const links = new Links();
    const facadeEnv = new Map<string, NodeJS.ProcessEnv>();
    const facades: FacadeAddress[] = [];
    for (const name of FACADES) {
      const to = async (app: string, port: string): Promise<number> =>
        links.add(name, app, Number(servers.ports[port]));
      const port = name === 'facade' ? Number(servers.ports['FACADE_PORT']) : await freePort();
      facades.push({ name, url: urlOf(port) });
      facadeEnv.set(name, {
        PORT: String(port),
        LEGACY_URL: urlOf(await to('legacy', 'LEGACY_PORT')),
        PRODUCER_URL: urlOf(await to('producer', 'PRODUCER_PORT')),
        QUERY_API_URL: urlOf(await to('query-api', 'QUERY_API_PORT')),
        NODE_OPTIONS: preloading('cluster/redirect-connections'),
        REDIRECTED_PORTS: JSON.stringify({
          [String(servers.ports['MONGODB_PORT'])]: await to('MongoDB', 'MONGODB_PORT'),
        }),
      });
    }
    const legacyFolder = join(directory, 'db_files');
    const MONGODB_URI = servers.addresses.MONGODB_URI.replace('/orders?', `/${database}?`);
    const apps = new MigrationApps(servers, links, facades, legacyFolder);
    const started = servers.stack.startApps({
      productDirectory: plan.productDirectory,
      onEnded: (name, how) => plan.onEnded(`${name} ${how}`),
      appDirectory: directory,
      apps: { console: 0, consumer: 1, facade: FACADES.length },
      envOf: (name) => ({ ...SETTINGS, LEGACY_DATA_DIR: legacyFolder, MONGODB_URI, ...facadeEnv.get(name) }),
    });
    await started.catch(async (error: unknown) => {
      await apps.stop();
      throw error;
    });
    return apps;
  }

  /** All that run or are starting. */
  get running(): RunningApps {
    return this.servers.apps;
  }

  async areReady(): Promise<boolean> {
    const ready = await Promise.all(this.running.all.map(async ({ url }) => url !== undefined && isReady(url)));
    return ready.every(Boolean);
  }

  /** Stops all apps in any state. Idempotent. */
  async stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    await stopApps(this.servers, this.links);
    await this.links.close();
  }
}

/** The positions of a migration in which faults are injected. */
export const POSITIONS = {
  off: positionAt('off', 'off'),
  dualwrite: positionAt('dualwrite', 'off'),
  shadow: positionAt('dualwrite', 'shadow'),
  'live 50 %': positionAt('live', 'live', 50),
  live: positionAt('live', 'live'),
  complete: positionAt('complete', 'complete'),
} satisfies Record<string, Position>;
export type PositionName = keyof typeof POSITIONS;

/** A stage, a change of stage, or a run over all orders, during which each kind of fault is injected: a column of the table. */
export interface Column {
  readonly name: string;
  readonly at: PositionName;
  /** The position to which the migration moves during the fault. */
  readonly to?: PositionName;
  /** What runs during the fault. */
  readonly run?: 'backfill' | 'verify';
}

const change = (from: PositionName, to: PositionName): Column => ({ name: `${from} → ${to}`, at: from, to });

/** One journey goes through all columns in this order, from `off` to `complete`, twice back, and forward again. */
export const COLUMNS: readonly Column[] = [
  { name: 'off', at: 'off' },
  change('off', 'dualwrite'),
  { name: 'dualwrite', at: 'dualwrite' },
  change('dualwrite', 'off'),
  { name: 'backfill', at: 'dualwrite', run: 'backfill' },
  { name: 'verify', at: 'dualwrite', run: 'verify' },
  change('dualwrite', 'shadow'),
  { name: 'shadow', at: 'shadow' },
  change('shadow', 'live 50 %'),
  { name: 'live 50 %', at: 'live 50 %' },
  change('live 50 %', 'live'),
  { name: 'live', at: 'live' },
  change('live', 'shadow'),
  change('live', 'complete'),
  { name: 'complete', at: 'complete' },
];

/** A disturbance of one journey. */
export interface MigrationFault extends Fault {
  /** The only facade that it affects directly; `undefined`: all of them. */
  readonly facade?: FacadeName | undefined;
}

interface MigrationFaultKind {
  readonly name: string;
  readonly affects: AffectedSystem;
  /** Begins and ends in a moment. During a change, it then begins after the request for the change. */
  readonly isInstant?: true;
  /** Shortest and longest duration, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  make(apps: MigrationApps, draw: Draw): MigrationFault;
}

/** Below the 5 s after which a facade counts as missing: then a change would need `force`. */
const LASTS_MS = [1_000, 4_000] as const;
/** Up to more than the time limit of 2 s for a request and its response: then the outcome is unknown too. */
const SLOWEST_MS = 1_300;
const MONGODB = 'MongoDB';

type Choice = (draw: Draw) => string;

function kill(name: string, affects: AffectedSystem, choose: Choice): MigrationFaultKind {
  const make = ({ running }: MigrationApps, draw: Draw) => ofFacade(killOf(running, choose(draw)));
  return { name, affects, isInstant: true, lastsMs: [0, 500], make };
}

function pause(name: string, affects: AffectedSystem, choose: Choice): MigrationFaultKind {
  const make = ({ running }: MigrationApps, draw: Draw) => ofFacade(pauseOf(running, choose(draw)));
  return { name, affects, lastsMs: LASTS_MS, make };
}

function ofFacade(fault: Fault): MigrationFault {
  return { ...fault, facade: FACADES.find((name) => name === fault.subject) };
}

/** Disturbs the links of one facade, or of both, to a server or a service. */
function disturb(
  name: string,
  affects: AffectedSystem,
  links: (draw: Draw) => { readonly from?: FacadeName; readonly to: string },
  stateOf: (draw: Draw) => LinkState,
): MigrationFaultKind {
  return {
    name,
    affects,
    lastsMs: LASTS_MS,
    make: (apps, draw) => {
      const chosen = links(draw);
      const state = stateOf(draw);
      const how = `${state.kind}${state.kind === 'slow' ? ` ${state.delayMs} ms` : ''}`;
      const subject = `${chosen.from ?? 'both facades'} → ${chosen.to}: ${how}`;
      return { ...disturbanceOf(subject, apps.links.where(chosen), state), facade: chosen.from };
    },
  };
}

const aFacade = (draw: Draw): FacadeName => oneOf(FACADES, draw);
const aFacadeToMongodb = (draw: Draw) => ({ from: aFacade(draw), to: MONGODB });
const toLegacy = () => ({ to: 'legacy' });
const toTarget = (draw: Draw) => ({ to: oneOf(['producer', 'query-api'], draw) });
const slow = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 100 + draw(SLOWEST_MS - 100) });
/** The request is executed, and its response never arrives: the connection breaks, or the client waits for its time-out. */
const unanswered = (draw: Draw): LinkState => ({ kind: oneOf(['unanswered', 'withheld'] as const, draw) });
/** The facade polls its state twice a second. */
const late = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 400 + draw(800) });

const killMongodb: MigrationFaultKind = {
  name: 'kill-mongodb',
  affects: 'mongodb',
  lastsMs: [200, 2_000],
  make: ({ servers: { servers } }) => ({
    subject: MONGODB,
    begin: () => servers.server(MONGODB).kill(),
    end: () => servers.server(MONGODB).start(),
  }),
};

/** All kinds of faults of a migration. */
export const MIGRATION_FAULTS: readonly MigrationFaultKind[] = [
  kill('kill-facade', 'facade', aFacade),
  pause('pause-facade', 'facade', aFacade),
  disturb('late-facade', 'facade', aFacadeToMongodb, late),
  disturb('cut-off-facade', 'facade', aFacadeToMongodb, () => ({ kind: 'silent' })),
  kill('kill-legacy', 'legacy', () => 'legacy'),
  pause('pause-legacy', 'legacy', () => 'legacy'),
  disturb('slow-legacy', 'legacy', toLegacy, slow),
  disturb('unanswered-legacy', 'legacy', toLegacy, unanswered),
  kill('kill-producer', 'new', () => 'producer'),
  pause('pause-query-api', 'new', () => 'query-api'),
  pause('pause-consumer', 'new', () => 'consumer-1'),
  disturb('slow-target', 'new', toTarget, slow),
  disturb('unanswered-target', 'new', toTarget, unanswered),
  killMongodb,
  pause('pause-mongodb', 'mongodb', () => MONGODB),
];

const ROW_ORDER = 1;
const COLUMN_ORDER = 2;
/** Cells of one journey that may draw numbers of their own. */
const CELLS = 1_000;

/** A fault that is planned for a column. */
export interface PlannedFault {
  readonly kind: MigrationFaultKind;
  /** Draws for this fault alone. */
  readonly draw: Draw;
}

/**
 * Plans one journey: the fault of each column, by the column's name. The table of faults and columns is a Latin square: as many journeys as there
 * are kinds inject every kind in every column once, and one journey injects every kind at least once if there are not more kinds than columns. The
 * seed shuffles rows and columns.
 * @param journey from 1
 */
export function planJourney(seed: number, journey: number): Map<string, PlannedFault> {
  const kinds = shuffled(MIGRATION_FAULTS, seed, ROW_ORDER);
  const shifts = shuffled([...COLUMNS.keys()], seed, COLUMN_ORDER);
  return new Map(
    COLUMNS.flatMap(({ name }, column) => {
      const kind = kinds[(journey - 1 + (shifts[column] ?? 0)) % kinds.length];
      return kind === undefined ? [] : [[name, { kind, draw: drawsAt(seed, (journey - 1) * CELLS + column) }]];
    }),
  );
}
