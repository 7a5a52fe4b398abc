import type { Mutant } from './mutant.js';

const COMPARISONS = 'comparison/comparisons.ts';
const RECHECK = 'comparison/recheck.ts';
const specs = 'comparison/';

/** Mutants of the comparison of both sides. */
export const COMPARISON_MUTANTS: readonly Mutant[] = [
  {
    name: 'ask again before the open writes are final',
    file: COMPARISONS,
    replace: 'await this.untilFinal(job);',
    by: '',
    specs,
  },
  {
    name: 'skip the re-check',
    file: RECHECK,
    replace: 'let before = first;',
    by: "if (first.length > 0) return { verdict: 'differs', differences: first };\n  let before = first;",
    specs,
  },
  {
    name: 'take each difference of the second reading for one that has stayed',
    file: RECHECK,
    replace: 'now.filter((difference) => known.has(identityOf(difference)))',
    by: 'now.filter(() => known.size > 0)',
    specs,
  },
  {
    name: 'queue without a limit',
    file: 'comparison/comparison-queue.ts',
    replace: 'if (this.jobs.length >= MAX_QUEUED || this.bytes > MAX_QUEUED_BYTES) return false;',
    by: '',
    specs,
  },
  {
    name: 'compare answers of a minute ago',
    file: 'comparison/comparison-queue.ts',
    replace: 'if (now - oldest.since <= MAX_WAIT_MS) return oldest.job;',
    by: 'return oldest.job;',
    specs,
  },
  {
    name: 'compare beyond the budget',
    file: 'comparison/comparison-budget.ts',
    replace: 'if (this.left < 1) return false;',
    by: '',
    specs,
  },
  {
    name: 'a rule ignores differences after its last day',
    file: 'comparison/ignore-rules.ts',
    replace: 'now >= Date.parse(expires) + DAY_MS',
    by: 'now >= Date.parse(expires) + 2 * DAY_MS',
    specs,
  },
];
