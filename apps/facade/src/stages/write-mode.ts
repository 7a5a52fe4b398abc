import type { SideName } from '../sides/side.js';
import type { WriteStage } from './capability.js';
import { stageOfBucket } from './migration-snapshot.js';

/**
 * How the orders of a bucket are written. `closed`: not at all, before and after `off`. `legacy-only`: beyond the percentage of
 * `dualwrite`; numbered by the facade, but not written to the new side.
 */
export type WriteMode = 'closed' | 'legacy-only' | 'dualwrite' | 'live' | 'complete';

/** The side that answers a write in each mode, and the side that follows. */
export const SIDES_OF_MODE: Readonly<
  Record<Exclude<WriteMode, 'closed'>, { readonly answering: SideName; readonly following: SideName | null }>
> = {
  'legacy-only': { answering: 'legacy', following: null },
  dualwrite: { answering: 'legacy', following: 'new' },
  live: { answering: 'new', following: 'legacy' },
  complete: { answering: 'new', following: null },
};

/** Returns the mode of a bucket at a stage of writes. */
export function writeModeOf(
  bucket: number,
  target: { readonly stage: WriteStage; readonly percent: number },
): WriteMode {
  const stage = stageOfBucket('writes', target, bucket);
  if (stage !== 'off') return stage;
  return target.stage === 'off' ? 'closed' : 'legacy-only';
}
