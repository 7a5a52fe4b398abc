import { describe, expect, it } from '@jest/globals';
import { intentWith, orderWith } from '../testing/one-order.js';
import type { Intent } from './intent.js';
import { keyOf, planOutbox, type Item, type Work } from './outbox-plan.js';

function seqs(items: readonly Item[]): number[] {
  return items.map(({ intent }) => intent.seq);
}

function plan(open: readonly Intent[], busy: readonly number[] = [], now = 0, busyWith?: Work) {
  const bucket = { bucket: 3, epoch: 1, period: 1, mode: 'dualwrite' as const, open };
  const isBusy = ({ intent }: Item, work: Work): boolean =>
    busy.includes(intent.seq) && (busyWith === undefined || busyWith === work);
  const planned = planOutbox([bucket], { now: new Date(now), repairAfterMs: 2_000, isBusy });
  const entries: [string, readonly Item[]][] = Object.entries(planned);
  return Object.fromEntries(entries.map(([name, items]) => [name, seqs(items)]));
}

const NOTHING = { closes: [], repairs: [], toNew: [], toLegacy: [], toCheck: [] };
const stored = { legacy: 'stored' } as const;
const live = { answering: 'new', new: 'sent' } as const;

describe('the plan of the outbox', () => {
  it('writes to the new side what the legacy system has stored, an account in its order', () => {
    expect(plan([intentWith(1, stored), intentWith(2, stored)])).toEqual({ ...NOTHING, toNew: [1, 2] });
    expect(plan([intentWith(1, stored), intentWith(2, stored)], [1])).toEqual(NOTHING);
    expect(plan([intentWith(1, { ...stored, new: 'sent' }), intentWith(2, stored)])).toEqual({
      ...NOTHING,
      toCheck: [1],
      toNew: [2],
    });
  });

  it('lets no write overtake one that has no answer yet', () => {
    const other = intentWith(3, { ...stored, order: orderWith(3, 'acc-2') });
    expect(plan([intentWith(1), intentWith(2, stored), other])).toEqual({ ...NOTHING, toNew: [3] });
  });

  it('writes to the legacy system one order of an account at a time', () => {
    expect(plan([intentWith(1, live), intentWith(2, live)])).toEqual({ ...NOTHING, toLegacy: [1], toCheck: [1, 2] });
    expect(plan([intentWith(1, { ...live, ...stored }), intentWith(2, live)])).toMatchObject({ toLegacy: [2] });
  });

  it('looks an order up on the new side while the legacy system gets it', () => {
    expect(plan([intentWith(1, live)], [1], 0, 'legacy')).toEqual({ ...NOTHING, toCheck: [1] });
    expect(plan([intentWith(1, live)], [1], 0, 'check')).toEqual({ ...NOTHING, toLegacy: [1] });
  });

  it('repeats what has no answer for 2 s, or had no outcome, and nothing of the account behind it', () => {
    expect(plan([intentWith(1), intentWith(2)], [], 1_999)).toEqual(NOTHING);
    expect(plan([intentWith(1), intentWith(2)], [], 2_000)).toEqual({ ...NOTHING, repairs: [1] });
    expect(plan([intentWith(1, { attempts: 1 }), intentWith(2, { attempts: 1 })])).toEqual({
      ...NOTHING,
      repairs: [1],
    });
  });

  it('closes what is final', () => {
    expect(plan([intentWith(1, { ...stored, new: 'readable' }), intentWith(2, { ...stored, new: 'none' })])).toEqual({
      ...NOTHING,
      closes: [1, 2],
    });
  });

  it('names intents by bucket and position', () => {
    expect(keyOf({ bucket: 3, intent: intentWith(7) })).toBe('3:7');
  });
});
