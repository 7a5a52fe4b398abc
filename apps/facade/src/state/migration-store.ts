import type { MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { AuditEntry } from './audit-entry.js';

/** Who a process is in the registry. */
export interface InstanceIdentity {
  /** Stable: a restarted process has the name of the one before. */
  readonly name: string;
  /** Random for each start. */
  readonly process: string;
  /** Where it listens: host name and port. Only one process listens there, so that a later one of its name is its successor. */
  readonly place: string;
}

/** A facade process that may serve requests. */
export interface RegisteredInstance extends Pick<InstanceIdentity, 'name' | 'process'> {
  /** The revision that it has applied, and under which all that it began before has ended. */
  readonly revision: number;
  readonly refreshedAt: Date;
}

/**
 * The state of the migration, shared by all instances. Each method is one majority write or read of one document, and rejects while
 * the database is unavailable; a rejected write may have happened.
 */
export interface MigrationStore {
  /** The time of the database, for everything that several instances compare. */
  now(): Date;

  /** Returns the newest snapshot; creates the initial one. */
  read(): Promise<MigrationSnapshot>;

  /**
   * Replaces the snapshot of the revision before `next.revision`, together with what the audit must say about it.
   * @returns `false`, and changes nothing, if that revision is no longer the newest
   */
  replace(next: MigrationSnapshot, entry: AuditEntry | null): Promise<boolean>;

  /** Adds an entry that changes nothing, such as a refusal. */
  append(entry: AuditEntry): Promise<void>;

  /** Returns the newest entries first. */
  audit(limit: number): Promise<readonly AuditEntry[]>;

  /**
   * Registers a process, instead of an earlier one of its name at its place. One of its name at another place stays registered: it may be
   * cut off from the database, and still serve clients.
   */
  register(identity: InstanceIdentity): Promise<void>;

  /**
   * Renews a registration, and stores which revision the process has applied.
   * @returns `false` if the process is no longer registered
   */
  acknowledge(identity: InstanceIdentity, revision: number): Promise<boolean>;

  instances(): Promise<readonly RegisteredInstance[]>;

  /** Ends the registration of a process that shuts down, or that can't serve clients any more. */
  deregister(process: string): Promise<void>;
}
