import type { NumberStore } from '../intents/number-store.js';
import type { LegacyPort } from '../writes/legacy-port.js';

const LIMIT_MS = 30_000;

/** The highest legacy number that an order may have at the moment: of the legacy system, or assigned by the facade. */
export class HighestNumber {
  constructor(
    private readonly legacy: Pick<LegacyPort, 'highestNumber'>,
    private readonly numbers: Pick<NumberStore, 'highest'>,
  ) {}

  /** @throws SideAwayError if the legacy system does not answer within 30 s */
  async read(): Promise<number> {
    const [stored, assigned] = await Promise.all([
      this.legacy.highestNumber(AbortSignal.timeout(LIMIT_MS)),
      this.numbers.highest(),
    ]);
    return Math.max(stored, assigned);
  }
}
