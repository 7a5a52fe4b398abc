import type { Mutant } from './mutant.js';

const GATE = 'expansion/send-gate.ts';
const WATCH = 'expansion/expansion-watch.ts';

/** Mutants of a producer whose topic gets more partitions. */
export const EXPANSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'close the gate while records are on their way',
    file: GATE,
    replace: 'if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));',
    by: '',
    specs: 'expansion/expansion-watch',
  },
  {
    name: 'confirm to an expansion before the gate has closed',
    file: WATCH,
    replace: 'this.gate.isClosed ? this.expansion : null',
    by: 'this.expansion',
    specs: 'expansion/expansion-watch',
  },
  {
    name: 'send under the old count after an expansion',
    file: WATCH,
    replace: 'this.gate.open(await this.countPartitions());',
    by: 'this.gate.open(this.gate.partitions);',
    specs: 'expansion/expansion-watch',
  },
];

/** Mutants of the command that adds partitions. */
export const ADMIN_EXPANSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'wait for a producer that was silent for a day',
    file: 'topics/expand/expand-topics.ts',
    replace: 'await record.removeEnded();',
    by: '',
    specs: 'topics/expand/expand-topics',
  },
];
