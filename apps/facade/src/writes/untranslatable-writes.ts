import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import type { BucketStore } from '../intents/bucket-store.js';
import type { NumberBlocks } from '../intents/number-blocks.js';
import type { NumberStore } from '../intents/number-store.js';
import { bucketOf } from '../stages/buckets.js';
import type { WriteStage } from '../stages/capability.js';
import { fieldsOf, withField } from './given-fields.js';
import { errorAnswer, noAnswer } from './legacy-answer.js';
import type { ForwardedRequest, LegacyPort, LegacyAnswer } from './legacy-port.js';

/** Why an order has no counterpart on the new side. The codes are those of the translation and of the JSON parser. */
export type Untranslatable = Pick<TranslationReason, 'detail' | 'field' | 'value'> & { readonly code: string };

/** Reports an order that only the legacy system has. */
export type ReportUntranslatable = (reason: Untranslatable, sent: string, answer: LegacyAnswer) => Promise<void>;

/** Orders that can't be translated exactly. The legacy system stores them as ever while it answers; the new side never does. */
export class UntranslatableWrites {
  constructor(
    private readonly legacy: LegacyPort,
    private readonly store: BucketStore,
    private readonly blocks: NumberBlocks,
    private readonly numbers: NumberStore,
    private readonly report: ReportUntranslatable,
    private readonly randomId: () => string,
  ) {}

  /** @returns `undefined` if writes are `off`, or on the way to it: nothing was stored */
  async post(request: ForwardedRequest, reason: Untranslatable, stage: WriteStage): Promise<LegacyAnswer | undefined> {
    const fields = fieldsOf(request.body);
    const accountId = fields?.['accountId'];
    if (typeof accountId !== 'string')
      return stage === 'live' || stage === 'complete' ? refusal(reason) : this.forward(request, undefined);
    const { mode, period } = await this.store.read(bucketOf(accountId));
    if (mode === 'closed') return undefined;
    if (mode === 'live' || mode === 'complete') return refusal(reason);
    return this.forward(await this.numbered(request, fields?.['number'], period), reason);
  }

  /** The legacy system must not choose a number by itself: it may be one that the facade assigns to another order. */
  private async numbered(request: ForwardedRequest, given: unknown, period: number): Promise<ForwardedRequest> {
    if (given === undefined)
      return { ...request, body: withField(request.body, 'number', await this.blocks.take(period)) };
    if (typeof given === 'number' && Number.isSafeInteger(given)) await this.numbers.choose(given, this.randomId());
    return request;
  }

  private async forward(request: ForwardedRequest, reason: Untranslatable | undefined): Promise<LegacyAnswer> {
    let answer: LegacyAnswer;
    try {
      answer = await this.legacy.post(request);
    } catch (error) {
      return noAnswer(error);
    }
    if (answer.status < 300 && reason !== undefined) await this.report(reason, request.body, answer);
    return answer;
  }
}

function refusal({ code, field, detail }: Untranslatable): LegacyAnswer {
  return errorAnswer(400, code, `${field ?? 'the order'} ${detail}`, field);
}
