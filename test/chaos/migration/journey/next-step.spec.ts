import { describe, expect, it } from '@jest/globals';
import type { Capability } from '../../../../apps/facade/src/stages/capability.js';
import { initialSnapshot, type MigrationSnapshot } from '../../../../apps/facade/src/stages/migration-snapshot.js';
import { checkChange } from '../../../../apps/facade/src/stages/changes.js';
import { POSITIONS, type Place, type PositionName } from './columns.js';
import { nextStep } from './next-step.js';

function movedTo(snapshot: MigrationSnapshot, capability: Capability, place: Place): MigrationSnapshot {
  const moved = { ...snapshot.capabilities[capability], ...place };
  return { ...snapshot, capabilities: { ...snapshot.capabilities, [capability]: moved } };
}

/** Applies the steps of a way, each checked by the rules of the facade. @returns the steps as texts */
function walk(from: MigrationSnapshot, to: PositionName, readsFirst: boolean): [MigrationSnapshot, string[]] {
  const steps: string[] = [];
  let snapshot = from;
  for (;;) {
    const step = nextStep(snapshot.capabilities, POSITIONS[to], readsFirst);
    if (step === undefined) return [snapshot, steps];
    const { capability, stage, percent } = step;
    checkChange(snapshot, { ...step, reason: 'test' });
    snapshot = movedTo(snapshot, capability, { stage, percent });
    steps.push(`${capability} ${stage} ${percent}`);
  }
}

describe('the next step to a position', () => {
  const start = initialSnapshot(new Date(0));
  const names = Object.keys(POSITIONS) as PositionName[];

  it('is one that the facade allows, from every position to every other one', () => {
    for (const from of names)
      for (const to of names.filter((name) => from !== 'complete' || name === 'complete'))
        for (const readsFirst of [true, false]) {
          const [there] = walk(start, from, readsFirst);
          const [{ capabilities }] = walk(there, to, readsFirst);
          expect(capabilities.writes).toMatchObject(POSITIONS[to].writes);
          expect(capabilities['read-by-page']).toMatchObject(POSITIONS[to].reads);
        }
  });

  it('moves reads or writes first, as asked', () => {
    const [shadow] = walk(start, 'shadow', true);
    expect(walk(shadow, 'live 50 %', true)[1].at(-1)).toBe('writes live 50');
    expect(walk(shadow, 'live 50 %', false)[1][0]).toBe('writes live 50');
  });
});
