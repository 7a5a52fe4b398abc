import { Fifo } from './fifo.js';

/** Tasks that may run, one lane for each partition, served in turns: a partition with much to do can't starve the others. */
export class FairQueue<T> {
  /** The lanes whose turn will come, each once: all that hold something, and some that were drained meanwhile. */
  private readonly turns = new Fifo<Fifo<T>>();
  private count = 0;
  /** What came while nothing else was there, and its lane: with room in the window a task runs as it comes, and needs no queue. */
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
      // Drained while it waited for its turn.
      if (task === undefined) continue;
      this.count -= 1;
      return task;
    }
    return undefined;
  }

  /** Takes out all that one lane holds. */
  drainLane(lane: Fifo<T>): T[] {
    const first = this.firstLane === lane ? this.takeFirst() : undefined;
    const tasks = lane.drain();
    this.count -= tasks.length;
    return first === undefined ? tasks : [first, ...tasks];
  }

  private takeFirst(): T | undefined {
    const { first, firstLane } = this;
    // Its lane had its turn by that.
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
