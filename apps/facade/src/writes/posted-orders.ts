import { backOffMs, pause, type Clock } from '@orders-pipeline/clock';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacyRequest } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import { bucketOf, type WriteStage, writeRoute } from '../stages/migration-snapshot.js';
import type { MigrationState } from '../migration/migration-state.js';
import {
  noAnswer,
  NotSentError,
  type ForwardedRequest,
  type LegacyPort,
  type LegacyAnswer,
  errorAnswer,
} from './legacy-gateway.js';
import type { BucketStore } from './bucket-store.js';
import type { NumberBlocks, NumberStore } from './number-blocks.js';
import { NotAdmittedError } from './admission.js';
import type { FencedWrites } from './fenced-writes.js';

/** A body that is a JSON object with at least one field. */
type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of a body as the legacy system reads them; `undefined` if it rejects the body anyway. */
export function fieldsOf(body: string): Fields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const isFilled =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  return isFilled ? (value as Fields) : undefined;
}

/**
 * Adds a field in front of the others, as text: the client's own digits stay as they are.
 * @param body a JSON object with at least one field, and without this one
 */
export function withField(body: string, name: 'id' | 'number', value: string | number): string {
  return body.replace('{', () => `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
}

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

const WAIT_LIMIT_MS = timeLimit(2_000);
const POLL_MS = 20;

export interface PostedParts {
  readonly state: MigrationState;
  readonly unfenced: UnfencedWrites;
  readonly fenced: FencedWrites;
  readonly untranslatable: UntranslatableWrites;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
}

/** `POST /orders` and `POST /populate` of the legacy system's API, at every stage of writes. */
export class PostedOrders {
  constructor(private readonly parts: PostedParts) {}

  /**
   * Stores an order on the side that answers at this stage, and lets the outbox write the other.
   * @throws NotAdmittedError, StateUnknownError: nothing was stored
   */
  async post(request: ForwardedRequest, signal: AbortSignal): Promise<LegacyAnswer> {
    const { clock, state, unfenced } = this.parts;
    const deadline = clock.now() + WAIT_LIMIT_MS;
    for (;;) {
      const end = state.beginUnfenced();
      if (end !== undefined) return unfenced.post(request, end);
      const snapshot = await state.current();
      const route = writeRoute(snapshot);
      if (route === 'unfenced') continue;
      const answer =
        route === 'fenced'
          ? await this.fenced(request, deadline, signal, snapshot.capabilities.writes.stage)
          : undefined;
      if (answer !== undefined) return answer;
      if (clock.now() >= deadline)
        throw new NotAdmittedError('handing-over', 'writes wait for a change of their stage. Retry in a second.');
      await pause(clock, POLL_MS);
      await state.newest();
    }
  }

  /** Outside `off`, the legacy system must not number orders by itself. */
  async populate(request: ForwardedRequest): Promise<LegacyAnswer> {
    const { state, unfenced } = this.parts;
    await state.current().catch(() => undefined);
    const end = state.beginUnfenced();
    if (end === undefined) {
      const stage = state.latest?.capabilities.writes.stage;
      // After an hour without MongoDB, they may have left `off`.
      if (stage === undefined || stage === 'off') await state.current();
      return errorAnswer(
        409,
        'populate-outside-off',
        `populate works only while writes are off, they are ${stage ?? 'unknown'}`,
      );
    }
    try {
      return await unfenced.postOnce(request, end);
    } catch (error) {
      return noAnswer(error);
    }
  }

  private async fenced(
    request: ForwardedRequest,
    deadline: number,
    signal: AbortSignal,
    stage: WriteStage,
  ): Promise<LegacyAnswer | undefined> {
    const { fenced, untranslatable, zone } = this.parts;
    const parsed = parseStrictJson(request.body);
    if ('fault' in parsed) return untranslatable.post(request, parsed.fault, stage);
    const read = fromLegacyRequest(parsed.value, zone);
    if ('reason' in read) return untranslatable.post(request, read.reason, stage);
    return fenced.post(read.request, deadline, signal);
  }
}
