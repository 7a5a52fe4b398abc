import { describe, expect, it } from '@jest/globals';
import { CAPABILITIES } from '../../apps/facade/src/stages/migration-snapshot.js';
import { TRANSLATION_BUGS } from './bugs/translation-bugs.js';
import { planSteps, titleOf, type PlannedStep } from './plan.js';

function movedBy(step: PlannedStep): readonly string[] {
  if (step.do === 'promote') return step.targets.map(({ capability }) => capability);
  return step.do === 'switch-off' ? step.capabilities : [];
}

describe.each(TRANSLATION_BUGS)('the plan of the demo with the bug $name', (bug) => {
  const steps = planSteps(bug);
  const after = steps.slice(steps.findIndex((step) => step.do === 'catch'));

  it('repairs the bug before reads go to shadow again', () => {
    const titles = after.map(titleOf);
    const repair = titles.slice(
      1,
      titles.findIndex((title) => title.includes('to shadow')),
    );
    expect(repair.filter((title) => !/^back to off|^writes to/.test(title))).toEqual([
      'deploy the facades without the bug',
      ...(bug.affects === 'writes' ? ['remove the wrong orders from the new side'] : []),
      'backfill',
      'verify',
    ]);
  });

  it('switches every capability off after the bug was caught, so that no gate counts its mismatches', () => {
    const switchedOff = after.find((step) => step.do === 'switch-off');
    expect(after.indexOf(switchedOff ?? { do: 'verify' })).toBe(1);
    expect(new Set(switchedOff && movedBy(switchedOff))).toEqual(new Set(CAPABILITIES));
  });
});
