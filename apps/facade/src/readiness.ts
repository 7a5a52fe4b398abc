import { Injectable } from '@nestjs/common';
import { ReadinessChecks } from '#service/health/health.js';
import { Sides } from './sides/sides.js';
import { timeLimit } from '#orders/time-limit.js';

const TIMEOUT_MS = timeLimit(2_000);

/**
 * A facade is ready while it reaches a side. MongoDB is no condition: the legacy system's answers need none. Which side a request needs
 * depends on its stage; one that needs a side that is away gets a 503.
 */
@Injectable()
export class FacadeReadiness extends ReadinessChecks {
  readonly checks;

  constructor({ answering }: Sides) {
    super();
    const side = async (): Promise<void> => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      try {
        await Promise.any([answering.legacy.ping(signal), answering.new.ping(signal)]);
      } catch (error) {
        throw new Error((error as AggregateError).errors.map(String).join('; '), { cause: error });
      }
    };
    this.checks = { side };
  }
}
