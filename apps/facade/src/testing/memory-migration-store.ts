import type { Clock } from '@orders-pipeline/clock';
import { initialSnapshot, type MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { AuditEntry } from '../state/audit-entry.js';
import type { MigrationStore, RegisteredInstance } from '../state/migration-store.js';

interface Registration extends RegisteredInstance {
  readonly process: string;
}

/** The state in memory. It passes the same contract suite as `MongoMigrationStore`. */
export class MemoryMigrationStore implements MigrationStore {
  private snapshot: MigrationSnapshot;
  private readonly entries: AuditEntry[] = [];
  private readonly registrations = new Map<string, Registration>();

  constructor(private readonly clock: Clock) {
    this.snapshot = initialSnapshot(this.now());
  }

  now(): Date {
    return new Date(this.clock.now());
  }

  async read(): Promise<MigrationSnapshot> {
    return Promise.resolve(this.snapshot);
  }

  async replace(next: MigrationSnapshot, entry: AuditEntry | null): Promise<boolean> {
    if (next.revision !== this.snapshot.revision + 1) return Promise.resolve(false);
    this.snapshot = next;
    if (entry !== null) this.entries.unshift(entry);
    return Promise.resolve(true);
  }

  async append(entry: AuditEntry): Promise<void> {
    this.entries.unshift(entry);
    return Promise.resolve();
  }

  async audit(limit: number): Promise<readonly AuditEntry[]> {
    return Promise.resolve(this.entries.slice(0, limit));
  }

  async register(name: string, process: string): Promise<void> {
    this.registrations.set(name, { name, process, revision: 0, refreshedAt: this.now() });
    return Promise.resolve();
  }

  async acknowledge(name: string, process: string, revision: number): Promise<boolean> {
    if (this.registrations.get(name)?.process !== process) return Promise.resolve(false);
    this.registrations.set(name, { name, process, revision, refreshedAt: this.now() });
    return Promise.resolve(true);
  }

  async instances(): Promise<readonly RegisteredInstance[]> {
    const sorted = [...this.registrations.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return Promise.resolve(sorted.map(({ name, revision, refreshedAt }) => ({ name, revision, refreshedAt })));
  }

  async deregister(name: string, process?: string): Promise<void> {
    const known = this.registrations.get(name);
    if (process === undefined || known?.process === process) this.registrations.delete(name);
    return Promise.resolve();
  }
}
