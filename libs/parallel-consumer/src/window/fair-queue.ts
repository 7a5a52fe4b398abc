import { Fifo } from './fifo.js';

/** Tasks that may run, one lane for each partition, served in turns: a partition with much to do can't starve the others. */
export class FairQueue<T> {
  /** The lanes that hold something, each once. */
  private readonly turns = new Fifo<Fifo<T>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(lane: Fifo<T>, task: T): void {
    if (lane.size === 0) this.turns.push(lane);
    lane.push(task);
    this.count += 1;
  }

  shift(): T | undefined {
    for (let lane = this.turns.shift(); lane !== undefined; lane = this.turns.shift()) {
      const task = lane.shift();
      if (lane.size > 0) this.turns.push(lane);
      // Drained while it waited for its turn.
      if (task === undefined) continue;
      this.count -= 1;
      return task;
    }
    return undefined;
  }

  /** Takes out all that one lane holds. */
  drainLane(lane: Fifo<T>): T[] {
    const tasks = lane.drain();
    this.count -= tasks.length;
    return tasks;
  }
}
