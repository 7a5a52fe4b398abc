import { Injectable } from '@nestjs/common';

/**
 * Tells those who work in this process that there is something new to do, or something else wanted of what they do: they look at
 * once then. Other processes look by themselves, every second.
 */
@Injectable()
export class WakeUp {
  private readonly listeners = new Set<() => void>();

  call(): void {
    for (const listener of this.listeners) listener();
  }

  /** @returns what ends it */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}
