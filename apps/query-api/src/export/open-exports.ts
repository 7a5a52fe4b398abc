import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';

/** Counts the exports in progress. */
@Injectable()
export class OpenExports {
  private open = 0;

  get count(): number {
    return this.open;
  }

  /** Counts a response until all of it is sent or the client disconnects. */
  add(response: ServerResponse): void {
    // The client has already disconnected: `close` is emitted only once, so it would never fire here.
    if (response.destroyed) return;
    this.open += 1;
    response.once('close', () => {
      this.open -= 1;
    });
  }
}
