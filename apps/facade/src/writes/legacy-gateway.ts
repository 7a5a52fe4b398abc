import { responseHeadersOf } from '../sides/forwarded-headers.js';
import type { LegacySide } from '../sides/legacy-side.js';
import { SideAwayError } from '../sides/side-away-error.js';
import { NotSentError, type ForwardedRequest, type LegacyAnswer, type LegacyPort } from './legacy-port.js';

const MAX_NUMBER = 1_000_000_000;

/** The legacy system's API over HTTP. */
export class LegacyGateway implements LegacyPort {
  constructor(private readonly side: Pick<LegacySide, 'forward'>) {}

  async post({ path, headers, body }: ForwardedRequest): Promise<LegacyAnswer> {
    try {
      return await this.side.forward({ method: 'POST', path, headers, body }, async (response) => ({
        status: response.status,
        headers: responseHeadersOf(response.headers),
        body: new Uint8Array(await response.body.arrayBuffer()),
      }));
    } catch (error) {
      const isUnsent =
        error instanceof SideAwayError && (error.reason === 'breaker-open' || error.reason === 'overloaded');
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
      if (await this.hasFrom(middle, signal)) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Returns whether any order has this number or a higher one. */
  private async hasFrom(number: number, signal: AbortSignal): Promise<boolean> {
    const path = `/orders/range?start=${number}&end=${MAX_NUMBER}`;
    return this.side.forward({ method: 'GET', path, signal }, async ({ status, body }) => {
      let text = '';
      for await (const chunk of body) {
        text += String(chunk);
        if (/^\s*\[\s*[^\s]/.test(text)) break;
      }
      body.destroy();
      if (status === 200 && /^\s*\[\s*[{\]]/.test(text)) return text.includes('{');
      throw new SideAwayError('legacy', 'bad-answer', `${path} responded with ${status}`);
    });
  }
}
