import { pause, type Clock } from '@orders-pipeline/clock';
import { completeRequest, type LegacyRequest } from '#legacy/translation/from-legacy.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { ORDER_FIELDS } from '#orders/order/order.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { legacyView } from '#legacy/translation/to-legacy.js';
import type { Logger } from 'pino';
import type { Admission, Admitted, Candidate } from './admission.js';
import { updateAfter, type AnsweringOutcome, type AnsweringWrite } from './answering-write.js';
import { type BucketStore, isUnanswered, type Intent } from './bucket-store.js';
import type { NumberStore } from './number-blocks.js';
import { errorAnswer, orderAnswer, unknownOutcome, type LegacyAnswer } from './legacy-gateway.js';

const POLL_MS = 10;
/** A number that the facade assigned may be in use, if the legacy system was written behind its back. */
const MAX_NUMBERS = 3;

export interface FencedParts {
  readonly admission: Admission;
  readonly answering: AnsweringWrite;
  /** The instance that admitted a write has this many ms to write it; then any other may. */
  readonly repairAfterMs: number;
  readonly store: BucketStore;
  readonly numbers: NumberStore;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
  readonly randomId: () => string;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Writes from `dualwrite` on: admitted by a bucket, written to the answering side at once, and to the other by the outbox. */
export class FencedWrites {
  constructor(private readonly parts: FencedParts) {}

  /**
   * @returns `undefined` if writes are `off`, or on the way to it: nothing was stored
   * @throws NotAdmittedError
   */
  async post(request: LegacyRequest, deadline: number, signal: AbortSignal): Promise<LegacyAnswer | undefined> {
    const { clock, randomId, numbers, admission } = this.parts;
    const assigned = { id: randomId(), createdAt: new Date(clock.now()) };
    const id = request.id ?? assigned.id;
    if (request.number !== undefined && !(await numbers.choose(request.number, id)))
      return errorAnswer(409, 'number-in-use', `number ${request.number} is in use`, 'number');
    const candidate: Candidate = {
      accountId: request.accountId,
      id,
      isIdGiven: request.id !== undefined,
      number: request.number,
      withNumber: (number) => completeRequest(request, { ...assigned, number }),
    };
    for (let tries = 1; ; tries += 1) {
      const admitted = await admission.admit(candidate, deadline);
      if (admitted.result === 'closed') return undefined;
      if (admitted.result === 'joined') {
        const answer = await this.join(request, admitted, deadline);
        if (answer !== undefined) return answer;
        continue;
      }
      const outcome = await this.write(admitted, deadline, signal);
      const isNumberTaken = outcome.result === 'refused' && outcome.status === 409 && request.number === undefined;
      if (!isNumberTaken || tries >= MAX_NUMBERS) return this.answerOf(request, admitted.intent, outcome);
    }
  }

  private async write(
    { bucket, intent, earlier }: Extract<Admitted, { result: 'admitted' }>,
    deadline: number,
    signal: AbortSignal,
  ): Promise<AnsweringOutcome> {
    if (!(await this.untilAnswered(bucket, earlier, deadline)))
      return { result: 'unknown', message: 'earlier writes of the account have no answer yet' };
    const outcome = await this.parts.answering.run(intent, signal);
    const stored = this.store(bucket, intent, outcome);
    // Only a closed intent lets the same id in again. Otherwise the client need not wait: a worker would find out the same.
    if (outcome.result === 'refused') await stored;
    return outcome;
  }

  /** Waits until earlier writes of the account are stored on the answering side, or refused. @returns whether they are in time */
  private async untilAnswered(bucket: number, earlier: readonly Intent[], deadline: number): Promise<boolean> {
    const seqs = new Set(earlier.map(({ seq }) => seq));
    while (seqs.size > 0) {
      const { open } = await this.parts.store.read(bucket);
      const unanswered = open.find((intent) => seqs.has(intent.seq) && isUnanswered(intent));
      if (unanswered === undefined) return true;
      if (!(await this.waitFor(bucket, unanswered, open, deadline))) return false;
    }
    return true;
  }

  /**
   * Waits a moment for a write of another request. Its instance may be dead: then this one does what that had to do, in the order of the
   * account's writes, as the outbox would a little later. Two at the same time do no harm.
   * @returns whether it may have an answer now; `false`: it has none in time
   */
  private async waitFor(bucket: number, intent: Intent, open: readonly Intent[], deadline: number): Promise<boolean> {
    const { store, answering, clock, repairAfterMs } = this.parts;
    const { accountId } = intent.order;
    const next = open.find((other) => other.order.accountId === accountId && isUnanswered(other)) ?? intent;
    if (store.now().getTime() - next.admittedAt.getTime() >= repairAfterMs) {
      const outcome = await answering.run(next, new AbortController().signal);
      await store.update([updateAfter(bucket, next, outcome)]);
      return outcome.result !== 'unknown';
    }
    if (clock.now() >= deadline) return false;
    await pause(clock, POLL_MS);
    return true;
  }

  /** The same order is being written by another request. @returns `undefined` if it was refused, so that this one tries itself */
  private async join(
    request: LegacyRequest,
    { bucket, intent }: Extract<Admitted, { result: 'joined' }>,
    deadline: number,
  ): Promise<LegacyAnswer | undefined> {
    const record = legacyView(intent.order, this.parts.zone) as LegacyRecord;
    for (;;) {
      const { open } = await this.parts.store.read(bucket);
      const now = open.find(({ seq }) => seq === intent.seq);
      if (now === undefined) return undefined;
      if (!isUnanswered(now)) return this.existing(request, record);
      if (!(await this.waitFor(bucket, now, open, deadline)))
        return unknownOutcome(intent.answering, 'an earlier request with this id has no answer yet');
    }
  }

  private answerOf(request: LegacyRequest, intent: Intent, outcome: AnsweringOutcome): LegacyAnswer {
    if (outcome.result === 'stored')
      return orderAnswer('wasThere' in outcome ? 200 : 201, legacyView(intent.order, this.parts.zone));
    if (outcome.result === 'exists') return this.existing(request, outcome.record);
    if (outcome.result === 'unknown') return unknownOutcome(intent.answering, outcome.message);
    return errorAnswer(outcome.status, outcome.code, outcome.message);
  }

  /** Answers a request whose id has an order: the same content is accepted again. */
  private existing(request: LegacyRequest, record: LegacyRecord): LegacyAnswer {
    const { id, number } = record;
    const same = completeRequest(request, { id, number, createdAt: new Date(0) });
    const wanted: Partial<LegacyRecord> = legacyView(same, this.parts.zone) ?? {};
    const compared = ORDER_FIELDS.filter((name) => name !== 'createdAt' || request.createdAt !== undefined);
    const differing = compared.filter((name) => wanted[name] !== record[name]);
    if (differing.length === 0) return orderAnswer(200, record);
    const message = `order ${id} exists under number ${number} with another ${differing.join(', ')}`;
    return errorAnswer(409, 'order-conflict', message, differing[0]);
  }

  private async store(bucket: number, intent: Intent, outcome: AnsweringOutcome): Promise<void> {
    try {
      await this.parts.store.update([updateAfter(bucket, intent, outcome)]);
    } catch (error) {
      this.parts.logger.warn(
        { bucket, seq: intent.seq, reason: String(error) },
        'outcome not stored, the outbox finds it out',
      );
    }
  }
}
