import { Fifo } from './fifo.js';

/**
 * Order within a key, freedom between keys. The first task of a key holds it; later ones wait behind it in the order of
 * their arrival. Entering and leaving are O(1); a key that nobody holds takes no memory.
 */
export class KeyQueues<T> {
  /** A key that is here is held; `null` while nobody waits for it, since most keys never see a second task. */
  private readonly held = new Map<string, Fifo<T> | null>();

  /** @returns whether the task now holds the key and may run; else it waits */
  enter(key: string, task: T): boolean {
    const waiting = this.held.get(key);
    if (waiting === undefined) {
      this.held.set(key, null);
      return true;
    }
    if (waiting === null) {
      const queue = new Fifo<T>();
      queue.push(task);
      this.held.set(key, queue);
    } else waiting.push(task);
    return false;
  }

  /** Gives the key up. @returns the task that holds it from now on, if one waited */
  leave(key: string): T | undefined {
    const next = this.held.get(key)?.shift();
    if (next === undefined) this.held.delete(key);
    return next;
  }

  /** Forgets all keys. @returns the tasks that waited */
  drain(): T[] {
    const waiting = [...this.held.values()].flatMap((queue) => queue?.drain() ?? []);
    this.held.clear();
    return waiting;
  }
}
