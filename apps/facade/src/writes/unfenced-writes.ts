import { backOffMs, pause, type Clock } from '@orders-pipeline/clock';
import { fieldsOf, withField } from './given-fields.js';
import { noAnswer } from './legacy-answer.js';
import { NotSentError, type ForwardedRequest, type LegacyPort, type LegacyAnswer } from './legacy-port.js';

const REPEAT = { initialMs: 250, maxMs: 4_000 };

/**
 * Writes of the stage `off`: the legacy system gets the client's request and numbers the order. Only an `id` is added where the
 * client gives none, so that a request without an answer can be repeated until its outcome is known. Until then it has not ended:
 * the legacy system could still give it a number that the facade assigns.
 */
export class UnfencedWrites {
  constructor(
    private readonly legacy: LegacyPort,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly randomId: () => string,
  ) {}

  /** @param end ends the write; called once its outcome is known */
  async post(request: ForwardedRequest, end: () => void): Promise<LegacyAnswer> {
    const fields = fieldsOf(request.body);
    const sent =
      fields === undefined || fields['id'] !== undefined
        ? request
        : { ...request, body: withField(request.body, 'id', this.randomId()) };
    try {
      const answer = await this.legacy.post(sent);
      end();
      return answer;
    } catch (error) {
      // Without an order in it there is nothing to repeat.
      if (fields === undefined || error instanceof NotSentError) end();
      else void this.repeat(sent, end);
      return noAnswer(error);
    }
  }

  /** Passes on a request that can't be repeated, such as `POST /populate`. @throws Error without an answer */
  async postOnce(request: ForwardedRequest, end: () => void): Promise<LegacyAnswer> {
    try {
      return await this.legacy.post(request);
    } finally {
      end();
    }
  }

  private async repeat(request: ForwardedRequest, end: () => void): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      await pause(this.clock, backOffMs(REPEAT, failures, this.random));
      const answer = await this.legacy.post(request).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return end();
    }
  }
}
