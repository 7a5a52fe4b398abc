import { Injectable } from '@nestjs/common';
import type { Observer } from '#parallel-consumer/observer.js';

/** Counts the rebalances that this process's member of the group went through. */
@Injectable()
export class Rebalances {
  private passed = 0;

  get count(): number {
    return this.passed;
  }

  /** The same observer, with the count besides. */
  countedBy(observer: Observer): Observer {
    return {
      ...observer,
      rebalanced: (report, milliseconds) => {
        this.passed += 1;
        observer.rebalanced?.(report, milliseconds);
      },
    };
  }
}
