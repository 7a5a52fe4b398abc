import { Injectable } from '@nestjs/common';

/**
 * Wakes this process's background workers when there is new work or an interruption was requested, so that they poll at once.
 * Workers in other processes poll every second.
 */
@Injectable()
export class WakeUp {
  private readonly listeners = new Set<() => void>();

  call(): void {
    for (const listener of this.listeners) listener();
  }

  /** @returns a function that unsubscribes the listener */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
