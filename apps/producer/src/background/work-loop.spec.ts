import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { WakeUp } from './wake-up.js';
import { WorkLoop } from './work-loop.js';

/** Starts a loop over the items in `pending`; the item `long` runs until `finish` is called. */
function startLoop(...pending: string[]) {
  const clock = new ManualClock();
  const wakeUp = new WakeUp();
  const seen: string[] = [];
  const state = { pending, onClaim: () => undefined as void, finish: () => undefined as void };
  const loop = new WorkLoop<string>(
    {
      claim: async () => {
        const next = state.pending.shift() ?? null;
        state.onClaim();
        return next;
      },
      do: async (claim) => {
        seen.push(claim);
        if (claim === 'long')
          await new Promise<void>((resolve) => {
            state.finish = resolve;
          });
      },
      idle: async () => void seen.push('idle'),
    },
    wakeUp,
    clock,
  );
  loop.start();
  return { clock, wakeUp, seen, state, loop };
}

describe('WorkLoop', () => {
  it('does all available work, then polls every second', async () => {
    const { clock, seen, state } = startLoop('a', 'b');
    await settle();
    expect(seen).toEqual(['a', 'b', 'idle']);
    state.pending.push('c');
    await clock.advance(999);
    expect(seen).toEqual(['a', 'b', 'idle']);
    await clock.advance(1);
    expect(seen).toEqual(['a', 'b', 'idle', 'c', 'idle']);
  });

  it('polls at once when it is woken', async () => {
    const { wakeUp, seen, state } = startLoop();
    await settle();
    state.pending.push('a');
    wakeUp.call();
    await settle();
    expect(seen).toEqual(['idle', 'a', 'idle']);
  });

  it('polls again when it was woken during a claim that found nothing', async () => {
    const { clock, wakeUp, seen, state } = startLoop();
    await settle();
    state.onClaim = () => {
      state.onClaim = () => undefined;
      state.pending.push('a');
      wakeUp.call();
    };
    await clock.advance(1_000);
    expect(seen).toEqual(['idle', 'idle', 'a', 'idle']);
  });

  it('stops when the current work has ended, and claims no more', async () => {
    const { seen, state, loop, wakeUp } = startLoop('long', 'a');
    await settle();
    const stopped = loop.stop().then(() => seen.push('stopped'));
    await settle();
    expect([loop.signal.aborted, seen]).toEqual([true, ['long']]);
    state.finish();
    await stopped;
    wakeUp.call();
    await settle();
    expect(seen).toEqual(['long', 'stopped']);
  });

  it('stops after four seconds even if the current work has not ended', async () => {
    const { clock, loop } = startLoop('long');
    await settle();
    const stopped = loop.stop();
    await clock.advance(4_000);
    await stopped;
    expect(loop.signal.aborted).toBe(true);
  });
});
