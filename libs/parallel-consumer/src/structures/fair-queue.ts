import { Fifo } from './fifo.js';

/** A queue of tasks that may run, with one lane per partition. It serves the lanes in turn, so that no partition starves. */
export class FairQueue<T> {
  /** The lanes in the order of their turns, each once: all non-empty lanes, and some that were drained meanwhile. */
  private readonly turns = new Fifo<Fifo<T>>();
  private count = 0;
  /** A fast path for a task that arrives while the queue is empty, and its lane: it needs no queue when it runs at once. */
  private first: T | undefined;
  private firstLane: Fifo<T> | undefined;

  get size(): number {
    return this.count;
  }

  push(lane: Fifo<T>, task: T): void {
    this.count += 1;
    if (this.count === 1) {
      this.first = task;
      this.firstLane = lane;
      return;
    }
    if (lane.size === 0) this.turns.push(lane);
    lane.push(task);
  }

  shift(): T | undefined {
    if (this.first !== undefined) return this.takeFirst();
    for (let lane = this.turns.shift(); lane !== undefined; lane = this.turns.shift()) {
      const task = lane.shift();
      if (lane.size > 0) this.turns.push(lane);
      // The lane was drained while it waited for its turn.
      if (task === undefined) continue;
      this.count -= 1;
      return task;
    }
    return undefined;
  }

  /** Removes all tasks of one lane. */
  drainLane(lane: Fifo<T>): T[] {
    const first = this.firstLane === lane ? this.takeFirst() : undefined;
    const tasks = lane.drain();
    this.count -= tasks.length;
    return first === undefined ? tasks : [first, ...tasks];
  }

  private takeFirst(): T | undefined {
    const { first, firstLane } = this;
    // This task used the turn of its lane.
    if (firstLane !== undefined && firstLane === this.turns.peek()) {
      this.turns.shift();
      this.turns.push(firstLane);
    }
    this.first = undefined;
    this.firstLane = undefined;
    this.count -= 1;
    return first;
  }
}
