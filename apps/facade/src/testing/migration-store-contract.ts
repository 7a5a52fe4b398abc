import { beforeEach, describe, expect, it } from '@jest/globals';
import { auditEntry } from '../state/audit-entry.js';
import type { MigrationStore } from '../state/migration-store.js';

const instance = (name: string, start: number, place = name) => ({ name, process: `${name}-${start}`, place });
const ENTRY = { at: new Date(1_000), by: 'ada', action: 'change', reason: 'because', revision: 2 } as const;

/** What each store of the state must do: a test of all implementations. @param create returns an empty one */
export function describeMigrationStore(name: string, create: () => Promise<MigrationStore>): void {
  describe(`${name} as a store of the state`, () => {
    let store: MigrationStore;

    beforeEach(async () => {
      store = await create();
    });

    it('begins with everything off, for all that read it first', async () => {
      const [one, two] = await Promise.all([store.read(), store.read()]);
      expect(one).toEqual(two);
      expect(one).toMatchObject({ revision: 1, hold: null, change: null, fence: null, legacyMayLag: false });
      expect(one.capabilities.writes).toMatchObject({ stage: 'off', percent: 100, version: 1 });
    });

    it('replaces only the newest revision, and audits exactly what was replaced', async () => {
      const before = await store.read();
      const hold = { by: 'ada', reason: 'pause', since: new Date(5_000) };
      const tries = ['one', 'two', 'three'].map(async (reason) =>
        store.replace({ ...before, revision: 2, hold: { ...hold, reason } }, auditEntry({ ...ENTRY, reason })),
      );
      const results = await Promise.all(tries);
      expect(results.filter(Boolean)).toHaveLength(1);
      const after = await store.read();
      expect(after).toEqual({ ...before, revision: 2, hold: { ...hold, reason: after.hold?.reason } });
      expect((await store.audit(10)).map(({ reason }) => reason)).toEqual([after.hold?.reason]);
      expect(await store.replace({ ...before, revision: 2 }, null)).toBe(false);
      expect(await store.replace({ ...after, revision: 3, hold: null }, null)).toBe(true);
    });

    it('lists the newest entries of the audit first, and all that they say', async () => {
      const gate = [{ condition: 'samples', wanted: 'at least 1', found: '0', holds: false }];
      const refusal = auditEntry({ ...ENTRY, at: new Date(2_000), action: 'refusal', code: 'gate-not-met', gate });
      const change = auditEntry(ENTRY);
      await store.append(change);
      await store.append(refusal);
      expect(await store.audit(10)).toEqual([refusal, change]);
      expect(await store.audit(1)).toEqual([refusal]);
    });

    it('knows the newest process of each name and place, and what it has applied', async () => {
      await store.register(instance('a', 1));
      expect(await store.acknowledge(instance('a', 1), 3)).toBe(true);
      await store.register(instance('a', 2));
      expect(await store.acknowledge(instance('a', 1), 4)).toBe(false);
      await store.register(instance('b', 1));
      expect((await store.instances()).map(({ process, revision }) => [process, revision])).toEqual([
        ['a-2', 0],
        ['b-1', 0],
      ]);
      await store.deregister('a-1');
      await store.deregister('b-1');
      expect((await store.instances()).map(({ name: each }) => each)).toEqual(['a']);
      expect(await store.acknowledge(instance('b', 1), 4)).toBe(false);
    });

    it('keeps a process that another one of its name elsewhere follows: it may be cut off, and still serve clients', async () => {
      await store.register(instance('a', 1));
      await store.acknowledge(instance('a', 1), 3);
      await store.register(instance('a', 2, 'another host'));
      const found = await store.instances();
      expect(found.map(({ name: each, process, revision }) => `${each} ${process} ${revision}`).toSorted()).toEqual([
        'a a-1 3',
        'a a-2 0',
      ]);
      expect(await store.acknowledge(instance('a', 1), 4)).toBe(true);
    });
  });
}
