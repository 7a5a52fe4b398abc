import { Injectable } from '@nestjs/common';
import type { Observer } from '@orders-pipeline/parallel-consumer';

/** Counts the rebalances of this process's member in the consumer group. */
@Injectable()
export class Rebalances {
  private passed = 0;

  get count(): number {
    return this.passed;
  }

  /** Wraps an observer so that it also counts rebalances. */
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
