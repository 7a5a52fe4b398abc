import type { Mutant } from './mutant.js';

const SKIP = 'runs/skip-empty.ts';

/** Mutants of what backfill and verify leave out. */
export const RUN_MUTANTS: readonly Mutant[] = [
  {
    name: 'a gap ends one interval too late: the order behind it is neither copied nor compared',
    file: SKIP,
    replace: 'else if (asked === INTERVAL_NUMBERS) return start;',
    by: 'else if (asked === INTERVAL_NUMBERS) return start + asked;',
    specs: 'runs/skip-empty',
  },
  {
    name: 'numbers whose answer failed count as a gap',
    file: SKIP,
    replace: "if (answer === 'unknown') return start;",
    by: "if (answer === 'unknown') start = to + 1;",
    specs: 'runs/skip-empty',
  },
];
