import { describe, expect, it } from '@jest/globals';
import { CAPABILITIES } from '../../../apps/facade/src/stages/capability.js';
import { checkChange, type ChangeRequest } from '../../../apps/facade/src/stages/changes.js';
import { initialSnapshot, type MigrationSnapshot } from '../../../apps/facade/src/stages/migration-snapshot.js';
import { TRANSLATION_BUGS } from '../bugs/translation-bugs.js';
import { planSteps, titleOf, type PlannedStep } from './plan.js';

/** Makes a change by the facade's own rules, without the gate. @throws ChangeRefusal */
function changed(snapshot: MigrationSnapshot, request: Omit<ChangeRequest, 'reason'>): MigrationSnapshot {
  const { capability, stage, percent } = checkChange(snapshot, { ...request, reason: 'a test' });
  const state = { ...snapshot.capabilities[capability], stage, percent };
  return { ...snapshot, capabilities: { ...snapshot.capabilities, [capability]: state } };
}

function changesOf(step: PlannedStep): Omit<ChangeRequest, 'reason'>[] {
  if (step.do === 'promote') return [...step.targets];
  if (step.do === 'switch-off') return step.capabilities.map((capability) => ({ capability, stage: 'off' }));
  if (step.do === 'roll-back-with-open-writes') return [{ capability: 'writes', stage: 'dualwrite' }];
  return [];
}

describe.each(TRANSLATION_BUGS)('the plan of the demo with the bug $name', (bug) => {
  const steps = planSteps(bug);

  it('goes from off to complete by steps that the facade allows without force', () => {
    const last = steps.flatMap(changesOf).reduce(changed, initialSnapshot(new Date(0)));
    expect(Object.values(last.capabilities).map(({ stage, percent }) => `${stage} ${percent}`)).toEqual(
      Array.from({ length: 4 }, () => 'complete 100'),
    );
  });

  it('plants the bug before shadow, catches it there, and goes on without it', () => {
    const titles = steps.map(titleOf);
    const planted = titles.indexOf(`deploy the facades with the bug ${bug.name}`);
    const caught = titles.indexOf(`shadow must catch ${bug.name}`);
    expect(titles.slice(planted + 1, caught)).toEqual([expect.stringContaining('read-by-page to shadow')]);
    const after = titles.slice(caught);
    expect(after.indexOf('deploy the facades without the bug')).toBeLessThan(after.indexOf('verify'));
    expect(after.indexOf('verify')).toBeLessThan(after.findIndex((title) => title.includes('to shadow')));
    expect(after.indexOf('backfill')).toBeLessThan(after.indexOf('verify'));
    const isRemoved = after.includes('remove the wrong orders from the new side');
    expect(isRemoved).toBe(bug.affects === 'writes');
  });

  it('moves every capability after the bug was fixed, so that no gate counts its mismatches', () => {
    const moved = steps.slice(steps.findIndex((step) => step.do === 'catch')).flatMap(changesOf);
    for (const capability of CAPABILITIES)
      expect(moved.find((change) => change.capability === capability)).toMatchObject({ stage: 'off' });
  });

  it('kills an instance of the facade, a consumer and the legacy system, and rolls writes back from 50 %', () => {
    const titles = steps.map(titleOf);
    for (const what of ['an instance of the facade', 'a consumer', 'the legacy system'])
      expect(titles).toContain(`kill ${what}`);
    const rollback = titles.indexOf('roll writes back to dualwrite while writes are open');
    expect([titles[rollback - 1], titles[rollback + 1]]).toEqual(['writes to live at 50 %', 'writes to live at 50 %']);
  });

  it('verifies right before writes become complete', () => {
    const titles = steps.map(titleOf);
    expect(titles[titles.indexOf('writes to complete') - 1]).toBe('verify');
  });
});
