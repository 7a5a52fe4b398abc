import type { Target } from '../../../dev/migration-journey/allowed-failures.js';
import { oneOf, type Draw } from '../../../dev/migration-journey/draw.js';
import { disturbanceOf, pauseOf, type Fault } from '../fault-kinds.js';
import type { LinkState } from '../cluster/link-state.js';
import { FACADES, type FacadeName, type MigrationApps } from './migration-apps.js';
import type { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';

/** What faults act on. */
export interface Ground {
  readonly apps: MigrationApps;
  readonly servers: TemporaryStack;
}

/** A disturbance of one journey. */
export interface MigrationFault extends Fault {
  /** The only facade that it affects directly; `undefined`: all of them. */
  readonly facade?: FacadeName;
}

export interface MigrationFaultKind {
  readonly name: string;
  readonly target: Target;
  /** Begins and ends in a moment. During a change, it then begins after the request for the change. */
  readonly isInstant?: true;
  /** Shortest and longest duration, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  make(ground: Ground, draw: Draw): MigrationFault;
}

/** Below the 5 s after which a facade counts as missing: then a change would need `force`. */
const LASTS_MS = [1_000, 4_000] as const;
/** Up to more than the time limit of 2 s for a request and its response: then the outcome is unknown too. */
const SLOWEST_MS = 1_300;
const MONGODB = 'MongoDB';

const nothing = async (): Promise<void> => Promise.resolve();

function killApp(name: string, target: Target, choose: (draw: Draw) => string): MigrationFaultKind {
  return {
    name,
    target,
    isInstant: true,
    lastsMs: [0, 500],
    make: ({ apps }, draw) => {
      const subject = choose(draw);
      return { ...ofFacade(subject), subject, begin: async () => Promise.resolve(apps.kill(subject)), end: nothing };
    },
  };
}

function pauseProcess(name: string, target: Target, choose: (draw: Draw) => string): MigrationFaultKind {
  const make = ({ apps }: Ground, draw: Draw): MigrationFault => {
    const subject = choose(draw);
    return { ...ofFacade(subject), ...pauseOf(apps, subject) };
  };
  return { name, target, lastsMs: LASTS_MS, make };
}

function ofFacade(subject: string): Pick<MigrationFault, 'facade'> {
  const facade = FACADES.find((name) => name === subject);
  return facade === undefined ? {} : { facade };
}

interface Disturbed {
  readonly from?: (typeof FACADES)[number];
  readonly to: string;
}

function disturb(name: string, target: Target, links: (draw: Draw) => Disturbed, state: (draw: Draw) => LinkState) {
  return {
    name,
    target,
    lastsMs: LASTS_MS,
    make: ({ apps }: Ground, draw: Draw): MigrationFault => {
      const { from, to } = links(draw);
      const chosen = apps.links.where({ to, ...(from !== undefined && { from }) });
      const wanted = state(draw);
      const how = `${wanted.kind}${wanted.kind === 'slow' ? ` ${wanted.delayMs} ms` : ''}`;
      const subject = `${from ?? 'both facades'} → ${to}: ${how}`;
      return { ...(from !== undefined && { facade: from }), ...disturbanceOf(apps.links, chosen, wanted, subject) };
    },
  } satisfies MigrationFaultKind;
}

const aFacade = (draw: Draw): (typeof FACADES)[number] => oneOf(FACADES, draw);
const toLegacy = (): Disturbed => ({ to: 'legacy' });
const toNewSide = (draw: Draw): Disturbed => ({ to: oneOf(['producer', 'query-api'], draw) });
const slow = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 100 + draw(SLOWEST_MS - 100) });
/** The request is executed, and its response never arrives: the connection breaks, or the client waits for its time-out. */
const unanswered = (draw: Draw): LinkState => ({ kind: oneOf(['unanswered', 'withheld'] as const, draw) });
const isSilent = (): LinkState => ({ kind: 'silent' });
/** The facade polls its state twice a second. */
const late = (draw: Draw): LinkState => ({ kind: 'slow', delayMs: 400 + draw(800) });

const killMongodb: MigrationFaultKind = {
  name: 'kill-mongodb',
  target: 'mongodb',
  lastsMs: [200, 2_000],
  make: ({ servers: { servers } }) => ({
    subject: MONGODB,
    begin: async () => servers.server(MONGODB).kill(),
    end: async () => servers.server(MONGODB).start(),
  }),
};

/** All kinds of faults of a migration. */
export const MIGRATION_FAULTS: readonly MigrationFaultKind[] = [
  killApp('kill-facade', 'facade', aFacade),
  pauseProcess('pause-facade', 'facade', aFacade),
  disturb('late-facade', 'facade', (draw) => ({ from: aFacade(draw), to: MONGODB }), late),
  disturb('cut-off-facade', 'facade', (draw) => ({ from: aFacade(draw), to: MONGODB }), isSilent),
  killApp('kill-legacy', 'legacy', () => 'legacy'),
  pauseProcess('pause-legacy', 'legacy', () => 'legacy'),
  disturb('slow-legacy', 'legacy', toLegacy, slow),
  disturb('unanswered-legacy', 'legacy', toLegacy, unanswered),
  killApp('kill-producer', 'new', () => 'producer'),
  pauseProcess('pause-query-api', 'new', () => 'query-api'),
  pauseProcess('pause-consumer', 'new', () => 'consumer-1'),
  disturb('slow-new-side', 'new', toNewSide, slow),
  disturb('unanswered-new-side', 'new', toNewSide, unanswered),
  killMongodb,
  pauseProcess('pause-mongodb', 'mongodb', () => MONGODB),
];
