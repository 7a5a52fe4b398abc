import type { Target } from '../../../dev/migration-journey/request-log.js';
import { oneOf, type Draw } from '../../../dev/migration-journey/stored-orders.js';
import { positionAt, type Position } from '../../../dev/migration-journey/position.js';
import type { LinkState } from '../cluster/link.js';
import { drawsAt, shuffled } from '../draws.js';
import { disturbanceOf, killOf, pauseOf, type Fault } from '../fault-kinds.js';
import { FACADES, type FacadeName, type MigrationApps } from './migration-apps.js';

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

export interface MigrationFaultKind {
  readonly name: string;
  readonly target: Target;
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

function kill(name: string, target: Target, choose: Choice): MigrationFaultKind {
  const make = ({ running }: MigrationApps, draw: Draw) => ofFacade(killOf(running, choose(draw)));
  return { name, target, isInstant: true, lastsMs: [0, 500], make };
}

function pause(name: string, target: Target, choose: Choice): MigrationFaultKind {
  const make = ({ running }: MigrationApps, draw: Draw) => ofFacade(pauseOf(running, choose(draw)));
  return { name, target, lastsMs: LASTS_MS, make };
}

function ofFacade(fault: Fault): MigrationFault {
  return { ...fault, facade: FACADES.find((name) => name === fault.subject) };
}

/** Disturbs the links of one facade, or of both, to a server or a service. */
function disturb(
  name: string,
  target: Target,
  links: (draw: Draw) => { readonly from?: FacadeName; readonly to: string },
  stateOf: (draw: Draw) => LinkState,
): MigrationFaultKind {
  return {
    name,
    target,
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
const toNewSide = (draw: Draw) => ({ to: oneOf(['producer', 'query-api'], draw) });
const slow = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 100 + draw(SLOWEST_MS - 100) });
/** The request is executed, and its response never arrives: the connection breaks, or the client waits for its time-out. */
const unanswered = (draw: Draw): LinkState => ({ kind: oneOf(['unanswered', 'withheld'] as const, draw) });
/** The facade polls its state twice a second. */
const late = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 400 + draw(800) });

const killMongodb: MigrationFaultKind = {
  name: 'kill-mongodb',
  target: 'mongodb',
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
  disturb('slow-new-side', 'new', toNewSide, slow),
  disturb('unanswered-new-side', 'new', toNewSide, unanswered),
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
