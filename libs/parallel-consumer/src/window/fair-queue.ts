import { Fifo } from './fifo.js';

/** Tasks that may run, one lane for each partition, served in turns: a partition with much to do can't starve the others. */
export class FairQueue<Lane, T> {
  private readonly lanes = new Map<Lane, Fifo<T>>();
  private turns = new Fifo<Lane>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(lane: Lane, task: T): void {
    let queue = this.lanes.get(lane);
    if (queue === undefined) {
      queue = new Fifo<T>();
      this.lanes.set(lane, queue);
      this.turns.push(lane);
    }
    queue.push(task);
    this.count += 1;
  }

  shift(): T | undefined {
    for (let lane = this.turns.shift(); lane !== undefined; lane = this.turns.shift()) {
      const queue = this.lanes.get(lane);
      const task = queue?.shift();
      if (queue !== undefined && queue.size > 0) this.turns.push(lane);
      else this.lanes.delete(lane);
      if (task === undefined) continue;
      this.count -= 1;
      return task;
    }
    return undefined;
  }

  /** Takes out all that one lane holds. */
  drainLane(lane: Lane): T[] {
    const tasks = this.lanes.get(lane)?.drain() ?? [];
    this.count -= tasks.length;
    return tasks;
  }
}
