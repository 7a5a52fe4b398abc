import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';
import type { NumberStore } from '../intents/number-store.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { LegacyPort } from '../writes/legacy-port.js';
import { timeLimit } from '#orders/time-limit.js';

const LIMIT_MS = timeLimit(30_000);

/** The highest legacy number that an order may have at the moment: of the legacy system, or assigned by the facade. */
export class HighestNumber {
  constructor(
    private readonly legacy: Pick<LegacyPort, 'highestNumber'>,
    private readonly numbers: Pick<NumberStore, 'highest'>,
  ) {}

  /** @throws Problem 503 `legacy-away` if the legacy system does not answer within 30 s */
  async read(): Promise<number> {
    const [stored, assigned] = await Promise.all([this.ofLegacy(), this.numbers.highest()]);
    return Math.max(stored, assigned);
  }

  private async ofLegacy(): Promise<number> {
    try {
      return await this.legacy.highestNumber(AbortSignal.timeout(LIMIT_MS));
    } catch (error) {
      if (!(error instanceof SideAwayError)) throw error;
      throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, error.code, `${error.publicMessage}. Retry in a second.`);
    }
  }
}
