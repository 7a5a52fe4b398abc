import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';

/** How many exports are on their way to somebody. */
@Injectable()
export class OpenExports {
  private open = 0;

  get count(): number {
    return this.open;
  }

  /** Counts an answer until all of it is sent or its reader is gone. */
  add(answer: ServerResponse): void {
    // Gone already: that is told once, and was.
    if (answer.destroyed) return;
    this.open += 1;
    answer.once('close', () => {
      this.open -= 1;
    });
  }
}
