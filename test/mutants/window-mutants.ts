import type { Mutant } from './mutant.js';

const SCHEDULER = 'window/scheduler.ts';
const DRAIN = 'membership/drain.ts';

/** Mutants of the scheduler, the order per key, drains and the partition assignment. */
export const WINDOW_MUTANTS: readonly Mutant[] = [
  {
    name: 'a record that runs in a batch with the one before starts again when that one is done',
    file: 'window/scheduler.ts',
    replace: 'if (behind !== undefined && !behind.isJoined)',
    by: 'if (behind !== undefined)',
  },
  {
    name: 'a revocation hands over records that run in a batch',
    file: 'window/scheduler.ts',
    replace: '.filter(({ isJoined }) => !isJoined)',
    by: '',
  },
  {
    name: 'paused records start when one before them ends',
    file: SCHEDULER,
    replace: 'if (!this.isPaused(task)) {',
    by: 'if (!this.isPaused(task) || this.runningCount > 0) {',
    specs: 'behaviour/pause',
  },
  {
    name: 'a batch takes paused records of its key along',
    file: SCHEDULER,
    replace: ' || this.isPaused(next)) return undefined;',
    by: ') return undefined;',
    specs: 'behaviour/pause',
  },
  {
    name: 'paused records of a revoked partition stay in memory',
    file: SCHEDULER,
    replace: '      ...held,\n',
    by: '',
    specs: 'behaviour/pause',
  },
  {
    name: 'records of a paused topic are taken',
    file: SCHEDULER,
    replace: ' && !this.pauses.hasTopic(assignment.topic) && this.hasShare(assignment);',
    by: ' && this.hasShare(assignment);',
    specs: 'behaviour/pause',
  },
  {
    name: 'a paused record is stalled',
    file: 'attempts/watchdog.ts',
    replace: 'if (this.scheduler.isPaused(oldest))',
    by: 'if (this.scheduler.isPaused(oldest) && now < 0)',
    specs: 'behaviour/pause',
  },
  {
    name: 'a resumed key stays held',
    file: SCHEDULER,
    replace: 'if (this.isPaused(task)) continue;\n      this.held',
    by: 'if (this.isPaused(task) || this.held.size === 1) continue;\n      this.held',
    specs: 'behaviour/pause',
  },
  {
    name: 'order: a second record of a key does not wait',
    file: SCHEDULER,
    replace: "if (task.order === 'nothing' || assignment.keys.enter(task, key))",
    by: 'if (assignment.keys.enter(task, key) || true)',
  },
  {
    name: 'no in-flight limit',
    file: SCHEDULER,
    replace: 'return this.ready.size > 0 && !this.isLimitReached;',
    by: 'return this.ready.size > 0;',
  },
  {
    name: 'no limit of buffered records',
    file: SCHEDULER,
    replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
    by: '',
  },
  {
    name: 'no limit of buffered bytes',
    file: SCHEDULER,
    replace: 'takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)',
    by: 'true',
  },
  {
    name: 'unfair shares: one partition may fill the buffer',
    file: SCHEDULER,
    replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
    by: 'this.takenCount < maxBuffered &&',
    specs: 'behaviour/starvation',
  },
  {
    name: 'unfair turns: the longest lane goes first',
    file: 'structures/fair-queue.ts',
    replace: 'if (lane.size > 0) this.turns.push(lane);',
    by: 'if (lane.size > 0) this.turns.items.splice(this.turns.head, 0, lane);',
    specs: 'scheduler',
  },
  {
    name: 'a hand-over does not release its records',
    file: SCHEDULER,
    replace: '    for (const task of dropped) this.release(task);\n',
    by: '',
  },
  {
    name: 'a record that waits for a retry is kept after its partition was revoked',
    file: SCHEDULER,
    replace: 'if (task.assignment.revoked) this.release(task);\n    else ',
    by: '',
  },
  {
    name: 'a drain starts new handlers',
    file: DRAIN,
    replace: '    runner.hold(true);\n',
    by: '',
    specs: 'behaviour/delivery',
  },
  {
    name: 'a drain does not wait for running handlers',
    file: DRAIN,
    replace: 'await this.until(() => scheduler.running === 0);',
    by: '',
    specs: 'behaviour/delivery',
  },
  {
    name: 'a drain does not commit',
    file: DRAIN,
    replace: '    await committer.commit();\n',
    by: '',
    specs: 'behaviour/delivery',
  },
  {
    name: 'a rebalance does not wait for a stop that drains',
    file: 'membership/rebalances.ts',
    replace: 'if (assignments.size === 0) return;\n    if (isLeaving()) return drain.current;',
    by: 'if (assignments.size === 0 || isLeaving()) return;',
    specs: 'behaviour/stop',
  },
  {
    name: 'a stale claim of a partition wins over a newer one',
    file: 'kafka/sticky-assignment.ts',
    replace: 'b.ownedSince - a.ownedSince',
    by: 'a.ownedSince - b.ownedSince',
    specs: 'sticky-assignment',
  },
];
