import type { Draw, Fault } from '../../faults/fault.js';
import type { FacadeName, MigrationApps } from '../ground/migration-apps.js';
import type { MigrationServers } from '../ground/migration-servers.js';

/** The part of the system that a fault affects: it decides which requests may fail. */
export type Target = 'facade' | 'legacy' | 'new' | 'mongodb';

/** What faults act on. */
export interface Ground {
  readonly apps: MigrationApps;
  readonly servers: MigrationServers;
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
