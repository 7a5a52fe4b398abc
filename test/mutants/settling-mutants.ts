import type { Mutant } from './mutant.js';

const SETTLE = 'compaction/settle-block.ts';
const RUN = 'compaction/received-run.ts';
const WATERMARK = 'freshness/complete-through.ts';

/** Mutants of the compaction: what replaces the bookkeeping of a block, and when. */
export const SETTLING_MUTANTS: readonly Mutant[] = [
  {
    name: 'compact a block without a clean verification',
    file: SETTLE,
    replace: "if (verification.kind !== 'settled') return verification;",
    by: '',
  },
  {
    name: 'remove the bookkeeping of a block before its digest is stored',
    file: SETTLE,
    replace: 'block = await steps.store(verification.block);',
    by: 'await steps.remove(verification.block);\n    block = await steps.store(verification.block);',
  },
  {
    name: 'leave the bookkeeping of a block that a crash has interrupted',
    file: SETTLE,
    replace: 'if (stored?.isCompacted === true) return undefined;',
    by: 'if (stored !== null) return undefined;',
  },
  {
    name: 'compact a batch whose keys still answer repeated requests',
    file: RUN,
    replace: "if (batch.requests !== undefined) return { kind: 'keys', until: batch.keysUntil };",
    by: '',
  },
];

/** Mutants of the stored watermark. */
export const WATERMARK_MUTANTS: readonly Mutant[] = [
  {
    name: 'store a watermark above what is complete',
    file: WATERMARK,
    replace: 'await this.sources.stored.raise(through);',
    by: 'await this.sources.stored.raise(through + 1);',
  },
  {
    name: 'lose the last watermark when the process ends',
    file: WATERMARK,
    replace: 'if (this.stored !== undefined && this.through > this.stored) await this.raise(this.through);',
    by: '',
  },
  {
    name: 'count everything again after a restart',
    file: WATERMARK,
    replace: 'this.through = Math.max(this.through, this.stored);',
    by: '',
  },
];
