import { describe, expect, it } from '@jest/globals';
import { MachineLoad } from './machine-load.js';

function core(user: number, idle: number) {
  return { times: { user, sys: 0, nice: 0, irq: 0, idle } };
}

describe('MachineLoad', () => {
  it('returns the load of all cores since the previous call', () => {
    const readings = [
      [core(100, 100), core(0, 500)],
      [core(200, 100), core(0, 600)],
      [core(200, 200), core(0, 700)],
      [core(200, 200), core(0, 700)],
    ];
    const load = new MachineLoad(() => readings.shift() ?? []);
    expect([load.sinceBefore(), load.sinceBefore(), load.sinceBefore()]).toEqual([0.5, 0, 0]);
  });
});
