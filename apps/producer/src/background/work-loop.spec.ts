import { describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '#parallel-consumer/testing/manual-clock.js';
import { WakeUp } from './wake-up.js';
import { WorkLoop } from './work-loop.js';

/** A loop over what lies in `todo`; what is done waits for `finish`. */
function looping(...todo: string[]) {
  const clock = new ManualClock();
  const wakeUp = new WakeUp();
  const seen: string[] = [];
  const state = { todo, onClaim: () => undefined as void, finish: () => undefined as void };
  const loop = new WorkLoop<string>(
    {
      claim: async () => {
        const next = state.todo.shift() ?? null;
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

describe('a loop that works', () => {
  it('does what there is, and looks for more every second', async () => {
    const { clock, seen, state } = looping('a', 'b');
    await settle();
    expect(seen).toEqual(['a', 'b', 'idle']);
    state.todo.push('c');
    await clock.advance(999);
    expect(seen).toEqual(['a', 'b', 'idle']);
    await clock.advance(1);
    expect(seen).toEqual(['a', 'b', 'idle', 'c', 'idle']);
  });

  it('looks at once when it is woken', async () => {
    const { wakeUp, seen, state } = looping();
    await settle();
    state.todo.push('a');
    wakeUp.call();
    await settle();
    expect(seen).toEqual(['idle', 'a', 'idle']);
  });

  it('looks again when it was woken while it found nothing', async () => {
    const { clock, wakeUp, seen, state } = looping();
    await settle();
    state.onClaim = () => {
      state.onClaim = () => undefined;
      state.todo.push('a');
      wakeUp.call();
    };
    await clock.advance(1_000);
    expect(seen).toEqual(['idle', 'idle', 'a', 'idle']);
  });

  it('stops when what is in hand has ended, and takes nothing more', async () => {
    const { seen, state, loop, wakeUp } = looping('long', 'a');
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

  it('stops after four seconds, whatever is in hand', async () => {
    const { clock, loop } = looping('long');
    await settle();
    const stopped = loop.stop();
    await clock.advance(4_000);
    await stopped;
    expect(loop.signal.aborted).toBe(true);
  });
});
