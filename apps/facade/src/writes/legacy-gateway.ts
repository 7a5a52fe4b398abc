import { responseHeadersOf } from '../sides/forwarded-headers.js';
import type { LegacySide } from '../sides/legacy-side.js';
import { SideAwayError } from '../sides/side-away-error.js';
import { NotSentError, type ForwardedRequest, type LegacyAnswer, type LegacyPort } from './legacy-port.js';

const MAX_NUMBER = 1_000_000_000;

/** The legacy system's API over HTTP. */
export class LegacyGateway implements LegacyPort {
  constructor(private readonly side: Pick<LegacySide, 'forward' | 'isEmpty'>) {}

  async post({ path, headers, body }: ForwardedRequest): Promise<LegacyAnswer> {
    try {
      return await this.side.forward({ method: 'POST', path, headers, body }, async (response) => ({
        status: response.status,
        headers: responseHeadersOf(response.headers),
        body: new Uint8Array(await response.body.arrayBuffer()),
      }));
    } catch (error) {
      const isUnsent = error instanceof SideAwayError && !error.wasAsked;
      throw isUnsent ? new NotSentError(error.message, { cause: error }) : error;
    }
  }

  /**
   * Finds the highest number by halving: the legacy system has no request for it, and numbers have holes. About 30 ranges are asked
   * for, and only the beginning of each is read.
   */
  async highestNumber(signal: AbortSignal): Promise<number> {
    let low = 0;
    let high = MAX_NUMBER;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (await this.side.isEmpty({ from: middle, to: MAX_NUMBER }, signal)) high = middle - 1;
      else low = middle;
    }
    return low;
  }
}
