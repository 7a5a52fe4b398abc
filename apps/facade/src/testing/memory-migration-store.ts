import type { Clock } from '@orders-pipeline/clock';
import { initialSnapshot, type MigrationSnapshot } from '../stages/migration-snapshot.js';
import type { AuditEntry } from '../state/audit-entry.js';
import type { InstanceIdentity, MigrationStore, RegisteredInstance } from '../state/migration-store.js';

/** The state in memory. It passes the same contract suite as `MongoMigrationStore`. */
export class MemoryMigrationStore implements MigrationStore {
  private snapshot: MigrationSnapshot;
  private readonly entries: AuditEntry[] = [];
  /** By name and place. */
  private readonly registrations = new Map<string, RegisteredInstance>();

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

  async register({ name, process, place }: InstanceIdentity): Promise<void> {
    this.registrations.set(`${name}@${place}`, { name, process, revision: 0, refreshedAt: this.now() });
    return Promise.resolve();
  }

  async acknowledge({ name, process, place }: InstanceIdentity, revision: number): Promise<boolean> {
    if (this.registrations.get(`${name}@${place}`)?.process !== process) return Promise.resolve(false);
    this.registrations.set(`${name}@${place}`, { name, process, revision, refreshedAt: this.now() });
    return Promise.resolve(true);
  }

  async instances(): Promise<readonly RegisteredInstance[]> {
    return Promise.resolve([...this.registrations.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  }

  async deregister(process: string): Promise<void> {
    for (const [key, instance] of this.registrations) if (instance.process === process) this.registrations.delete(key);
    return Promise.resolve();
  }
}
