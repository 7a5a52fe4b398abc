import { plural } from '../text/figures.js';
import type { Backfill, Verification } from './facade-api.js';

/** The state of a run as a label. Green only when nothing is left to do. */
export interface RunState {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'busy';
}

/** Returns how much of the numbers is done, 0 to 100. */
export function donePercent({ done, upTo }: Pick<Verification, 'done' | 'upTo'>): number {
  return upTo === 0 ? 100 : Math.floor((100 * Math.min(done, upTo)) / upTo);
}

export function verifyState(run: Verification): RunState {
  return (
    stateOf(run, 'comparing') ??
    {
      equal: { text: 'both sides are equal', tone: 'good' } as const,
      different: { text: plural(run.differences, 'difference'), tone: 'bad' } as const,
      open: { text: 'writes were still open', tone: 'warn' } as const,
    }[run.result ?? 'open']
  );
}

export function backfillState(run: Backfill): RunState {
  return (
    stateOf(run, 'translating') ??
    (run.result === 'incomplete'
      ? { text: `${plural(run.untranslated, 'order has', 'orders have')} no exact translation`, tone: 'warn' }
      : { text: 'handed over to imports', tone: 'good' })
  );
}

/** The states that all runs share; `undefined`: the run has a result. */
function stateOf(run: Verification | Backfill, verb: string): RunState | undefined {
  if (run.status === 'cancelled') return { text: 'cancelled', tone: 'warn' };
  if (run.status === 'ended') return undefined;
  return {
    text: `${run.problem === null ? verb : 'waiting'} ${donePercent(run)} %`,
    tone: run.problem === null ? 'busy' : 'warn',
  };
}
