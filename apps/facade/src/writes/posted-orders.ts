import { backOffMs, pause } from '@orders-pipeline/clock';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacyRequest } from '#legacy/translation/from-legacy.js';
import { timeLimit } from '#orders/time-limit.js';
import type { MigrationPorts, Untranslatable } from '../migration/migration-ports.js';
import type { MigrationState } from '../migration/migration-state.js';
import { errorAnswer, isUnsent, noAnswer, type ForwardedRequest, type LegacyAnswer } from '../sides/legacy-answers.js';
import { bucketOf, targetAnswers, type WriteStage, writeRoute } from '../stages/stages.js';
import { FencedWrites, NotAdmittedError } from './fenced-writes.js';
import { NumberBlocks } from './number-blocks.js';

/** A body that is a JSON object with at least one field. */
type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of a body as the legacy system reads them; `undefined` if it rejects the body anyway. */
function fieldsOf(body: string): Fields | undefined {
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
function withField(body: string, name: 'id' | 'number', value: string | number): string {
  return body.replace('{', () => `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
}

const REPEAT = { initialMs: 250, maxMs: 4_000 };

/**
 * Writes of the stage `off`: the legacy system gets the client's request and numbers the order. Only an `id` is added where the
 * client gives none, so that a request without an answer can be repeated until its outcome is known. Until then it has not ended:
 * the legacy system could still give it a number that the facade assigns.
 */
export class UnfencedWrites {
  constructor(private readonly ports: Pick<MigrationPorts, 'legacy' | 'clock' | 'random' | 'randomId'>) {}

  /** @param end ends the write; called once its outcome is known */
  async post(request: ForwardedRequest, end: () => void): Promise<LegacyAnswer> {
    const fields = fieldsOf(request.body);
    const sent =
      fields === undefined || fields['id'] !== undefined
        ? request
        : { ...request, body: withField(request.body, 'id', this.ports.randomId()) };
    try {
      const answer = await this.ports.legacy.post(sent);
      end();
      return answer;
    } catch (error) {
      // Without an order in it there is nothing to repeat.
      if (fields === undefined || isUnsent(error)) end();
      else void this.repeat(sent, end);
      return noAnswer(error);
    }
  }

  /** Passes on a request that can't be repeated, such as `POST /populate`. @throws Error without an answer */
  async postOnce(request: ForwardedRequest, end: () => void): Promise<LegacyAnswer> {
    try {
      return await this.ports.legacy.post(request);
    } finally {
      end();
    }
  }

  private async repeat(request: ForwardedRequest, end: () => void): Promise<void> {
    const { clock, legacy, random } = this.ports;
    for (let failures = 1; ; failures += 1) {
      await pause(clock, backOffMs(REPEAT, failures, random));
      const answer = await legacy.post(request).catch(() => undefined);
      if (answer !== undefined && answer.status < 500) return end();
    }
  }
}

/** Orders that can't be translated exactly. The legacy system stores them as ever while it answers; the target never does. */
class UntranslatableWrites {
  constructor(
    private readonly ports: Pick<MigrationPorts, 'legacy' | 'buckets' | 'numbers' | 'reports' | 'randomId'>,
    private readonly blocks: NumberBlocks,
  ) {}

  /** @returns `undefined` if writes are `off`, or on the way to it: nothing was stored */
  async post(request: ForwardedRequest, reason: Untranslatable, stage: WriteStage): Promise<LegacyAnswer | undefined> {
    const fields = fieldsOf(request.body);
    const accountId = fields?.['accountId'];
    if (typeof accountId !== 'string') return targetAnswers(stage) ? refusal(reason) : this.forward(request, undefined);
    const { mode, period } = await this.ports.buckets.read(bucketOf(accountId));
    if (mode === 'closed') return undefined;
    if (targetAnswers(mode)) return refusal(reason);
    return this.forward(await this.numbered(request, fields?.['number'], period), reason);
  }

  /** The legacy system must not choose a number by itself: it may be one that the facade assigns to another order. */
  private async numbered(request: ForwardedRequest, given: unknown, period: number): Promise<ForwardedRequest> {
    if (given === undefined)
      return { ...request, body: withField(request.body, 'number', await this.blocks.take(period)) };
    if (typeof given === 'number' && Number.isSafeInteger(given))
      await this.ports.numbers.choose(given, this.ports.randomId());
    return request;
  }

  private async forward(request: ForwardedRequest, reason: Untranslatable | undefined): Promise<LegacyAnswer> {
    let answer: LegacyAnswer;
    try {
      answer = await this.ports.legacy.post(request);
    } catch (error) {
      return noAnswer(error);
    }
    if (answer.status < 300 && reason !== undefined)
      await this.ports.reports.untranslatable(reason, request.body, answer);
    return answer;
  }
}

function refusal({ code, field, detail }: Untranslatable): LegacyAnswer {
  return errorAnswer({ status: 400, code, message: `${field ?? 'the order'} ${detail}`, field });
}

const WAIT_LIMIT_MS = timeLimit(2_000);
const POLL_MS = 20;

/** `POST /orders` and `POST /populate` of the legacy system's API, at every stage of writes. */
export class PostedOrders {
  private readonly unfenced: UnfencedWrites;
  private readonly fenced: FencedWrites;
  private readonly untranslatable: UntranslatableWrites;

  constructor(
    private readonly ports: MigrationPorts,
    private readonly state: MigrationState,
  ) {
    const blocks = new NumberBlocks(ports.numbers, ports.limits.numberBlock);
    this.unfenced = new UnfencedWrites(ports);
    this.fenced = new FencedWrites(ports, blocks);
    this.untranslatable = new UntranslatableWrites(ports, blocks);
  }

  /**
   * Stores an order on the primary of this stage, and lets the outbox write to the secondary.
   * @throws NotAdmittedError, StateUnknownError: nothing was stored
   */
  async post(request: ForwardedRequest, signal: AbortSignal): Promise<LegacyAnswer> {
    const { state } = this;
    const { clock } = this.ports;
    const deadline = clock.now() + WAIT_LIMIT_MS;
    for (;;) {
      const end = state.beginUnfenced();
      if (end !== undefined) return this.unfenced.post(request, end);
      const snapshot = await state.current();
      const route = writeRoute(snapshot);
      if (route === 'unfenced') continue;
      const answer =
        route === 'fenced'
          ? await this.translated(request, deadline, signal, snapshot.capabilities.writes.stage)
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
    const { state } = this;
    await state.current().catch(() => undefined);
    const end = state.beginUnfenced();
    if (end === undefined) {
      const stage = state.latest?.capabilities.writes.stage;
      // After an hour without MongoDB, they may have left `off`.
      if (stage === undefined || stage === 'off') await state.current();
      const message = `populate works only while writes are off, they are ${stage ?? 'unknown'}`;
      return errorAnswer({ status: 409, code: 'populate-outside-off', message });
    }
    try {
      return await this.unfenced.postOnce(request, end);
    } catch (error) {
      return noAnswer(error);
    }
  }

  private async translated(
    request: ForwardedRequest,
    deadline: number,
    signal: AbortSignal,
    stage: WriteStage,
  ): Promise<LegacyAnswer | undefined> {
    const parsed = parseStrictJson(request.body);
    if ('fault' in parsed) return this.untranslatable.post(request, parsed.fault, stage);
    const read = fromLegacyRequest(parsed.value, this.ports.zone);
    if ('reason' in read) return this.untranslatable.post(request, read.reason, stage);
    return this.fenced.post(read.request, deadline, signal);
  }
}
