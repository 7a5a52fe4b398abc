import type { Mutant } from './mutant.js';

const SCHEDULER = 'window/scheduler.ts';
const CONSUMER = 'parallel-consumer.ts';

/** Of the window, the order, drains and the sharing out of partitions. */
export const WINDOW_MUTANTS: readonly Mutant[] = [
  {
    name: 'order: a second record of a key does not wait',
    file: SCHEDULER,
    replace: "if (task.order === 'nothing' || assignment.keys.enter(task))",
    by: 'if (assignment.keys.enter(task) || true)',
  },
  {
    name: 'the window has no limit of what runs',
    file: SCHEDULER,
    replace: 'return this.ready.size > 0 && this.runningCount < this.limits.inFlight;',
    by: 'return this.ready.size > 0;',
  },
  {
    name: 'the window has no limit of what is taken',
    file: SCHEDULER,
    replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
    by: '',
  },
  {
    name: 'the window has no limit of bytes',
    file: SCHEDULER,
    replace: 'takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)',
    by: 'true',
  },
  {
    name: 'unfair shares: one partition may fill the window',
    file: SCHEDULER,
    replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
    by: 'this.takenCount < maxBuffered &&',
    specs: 'starvation',
  },
  {
    name: 'unfair turns: the longest lane goes first',
    file: 'window/fair-queue.ts',
    replace: 'if (lane.size > 0) this.turns.push(lane);',
    by: 'if (lane.size > 0) this.turns.items.splice(this.turns.head, 0, lane);',
    specs: 'scheduler',
  },
  {
    name: 'hand-over does not release',
    file: SCHEDULER,
    replace: '    for (const task of dropped) this.release(task);\n',
    by: '',
  },
  {
    name: 'a record that waits for another try is kept after its partition went',
    file: SCHEDULER,
    replace: 'if (task.assignment.revoked) this.release(task);\n    else ',
    by: '',
  },
  {
    name: 'a drain starts new work',
    file: CONSUMER,
    replace: '    this.runner.hold(true);\n',
    by: '',
    specs: 'parallel-consumer.spec',
  },
  {
    name: 'a drain does not wait',
    file: CONSUMER,
    replace: 'while (this.scheduler.running > 0 && clock.now() < deadline)',
    by: 'while (false)',
    specs: 'parallel-consumer.spec',
  },
  {
    name: 'a drain does not commit',
    file: CONSUMER,
    replace: '    await this.committer.commit();\n',
    by: '',
    specs: 'parallel-consumer.spec',
  },
  {
    name: 'a rebalance does not wait for a stop that drains',
    file: CONSUMER,
    replace: 'if (this.leaving !== undefined) return this.draining;',
    by: 'if (this.leaving !== undefined) return;',
    specs: 'parallel-consumer.spec',
  },
  {
    name: 'a stale claim of a partition wins',
    file: 'kafka/sticky-assignment.ts',
    replace: 'b.ownedSince - a.ownedSince',
    by: 'a.ownedSince - b.ownedSince',
    specs: 'sticky-assignment',
  },
];
