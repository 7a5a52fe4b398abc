import { pause } from '@orders-pipeline/clock';
import { inTrace, tracing } from '#service/telemetry/tracing.js';
import { completeRequest, type LegacyRequest } from '#legacy/translation/from-legacy.js';
import { type LegacyRecord, legacyView } from '#legacy/translation/to-legacy.js';
import { ORDER_FIELDS, type LegacyOrder } from '#orders/order/order.js';
import type { MigrationPorts } from '../migration/migration-ports.js';
import { errorAnswer, orderAnswer, unknownOutcome, type LegacyAnswer } from '../sides/legacy-answers.js';
import type { SideName, WriteOutcome, WrittenSides } from '../sides/side.js';
import { bucketOf, SIDES_OF_MODE, type WriteMode } from '../stages/stages.js';
import { isUnanswered, type Bucket, type Intent, type IntentUpdate } from './bucket-store.js';
import type { NumberBlocks } from './number-blocks.js';

/** The write is not admitted now; nothing was stored. The client gets 503 and may retry. */
export class NotAdmittedError extends Error {
  override readonly name = 'NotAdmittedError';

  constructor(
    readonly code: 'handing-over' | 'writes-behind',
    message: string,
  ) {
    super(message);
  }
}

/** A write as it asks for admission; the number is assigned unless the client chose one. */
interface Candidate {
  readonly accountId: string;
  readonly id: string;
  readonly isIdGiven: boolean;
  readonly number: number | undefined;
  withNumber(number: number): LegacyOrder;
}

type Admitted =
  | {
      readonly result: 'admitted';
      readonly bucket: number;
      readonly intent: Intent;
      /** Earlier writes of the account that the primary may not have yet. They go first. */
      readonly earlier: readonly Intent[];
    }
  /** The same id, or the number that the client chose, is being written. */
  | { readonly result: 'joined'; readonly bucket: number; readonly intent: Intent }
  /** Writes are `off`, or on the way to it. */
  | { readonly result: 'closed' };

const RETRY_MS = 20;

type KnownBucket = Pick<Bucket, 'epoch' | 'period'> & { readonly mode: Exclude<WriteMode, 'closed'> };
type AdmissionPorts = Pick<MigrationPorts, 'buckets' | 'clock' | 'identity' | 'limits'>;

/**
 * Admits writes to their account's bucket. This instance may know an old epoch; the bucket's document decides, in the same update
 * that stores the intent.
 */
class Admission {
  private readonly known = new Map<number, KnownBucket>();

  constructor(
    private readonly ports: AdmissionPorts,
    private readonly numbers: NumberBlocks,
  ) {}

  /**
   * Waits until the write is admitted, at most until the deadline.
   * @throws NotAdmittedError
   */
  async admit(candidate: Candidate, deadline: number): Promise<Admitted> {
    const bucket = bucketOf(candidate.accountId);
    for (;;) {
      const known = this.known.get(bucket) ?? (await this.learn(bucket));
      if (known === undefined) return { result: 'closed' };
      const admitted = await this.tryAdmit(bucket, known, candidate);
      if (admitted !== undefined) return admitted;
      const now = await this.ports.buckets.read(bucket);
      this.remember(now);
      const same = now.open.find(({ order }) => order.id === candidate.id);
      if (same !== undefined) return { result: 'joined', bucket, intent: same };
      const obstacle = this.obstacleIn(now, candidate);
      if (obstacle === undefined) continue;
      if (this.ports.clock.now() >= deadline) throw obstacle;
      await pause(this.ports.clock, RETRY_MS);
    }
  }

  private async tryAdmit(bucket: number, known: KnownBucket, candidate: Candidate): Promise<Admitted | undefined> {
    const { primary, secondary } = SIDES_OF_MODE[known.mode];
    const order = candidate.withNumber(candidate.number ?? (await this.numbers.take(known.period)));
    const traceparent = tracing()?.activeContext();
    const isWritten = (side: SideName): boolean => side === primary || side === secondary;
    const after = await this.ports.buckets.admit({
      bucket,
      epoch: known.epoch,
      intent: {
        order,
        isIdGiven: candidate.isIdGiven,
        isNumberGiven: candidate.number !== undefined,
        answering: primary,
        legacy: isWritten('legacy') ? 'open' : 'none',
        new: isWritten('new') ? 'open' : 'none',
        ...(traceparent !== undefined && { traceparent }),
        instance: this.ports.identity.name,
      },
      maxOpen: this.ports.limits.INTENT_MAX_OPEN,
      maxAgeMs: this.ports.limits.INTENT_MAX_AGE_MS,
    });
    const intent = after?.open.at(-1);
    if (after === null || intent === undefined) return undefined;
    const earlier = after.open.filter(
      (open) => open.seq < intent.seq && open.order.accountId === order.accountId && isUnanswered(open),
    );
    return { result: 'admitted', bucket, intent, earlier };
  }

  private async learn(bucket: number): Promise<KnownBucket | undefined> {
    this.remember(await this.ports.buckets.read(bucket));
    return this.known.get(bucket);
  }

  private remember({ bucket, epoch, period, mode }: Bucket): void {
    if (mode === 'closed') this.known.delete(bucket);
    else this.known.set(bucket, { epoch, period, mode });
  }

  /** Returns why the bucket admits nothing now; `undefined` if it may admit the next try. */
  private obstacleIn({ bucket, epoch, open }: Bucket, { number }: Candidate): NotAdmittedError | undefined {
    const { INTENT_MAX_OPEN: maxOpen, INTENT_MAX_AGE_MS: maxAgeMs } = this.ports.limits;
    if (open.some((intent) => intent.epoch < epoch))
      return new NotAdmittedError('handing-over', `bucket ${bucket} waits for its older writes. Retry in a second.`);
    const oldest = this.ports.buckets.now().getTime() - maxAgeMs;
    const isBehind = open.length >= maxOpen || open.some(({ admittedAt }) => admittedAt.getTime() < oldest);
    const isNumberOpen = open.some(({ order }) => order.legacy.number === number);
    if (!isBehind && !isNumberOpen) return undefined;
    return new NotAdmittedError(
      'writes-behind',
      `${open.length} earlier writes of bucket ${bucket} are still open. Retry in a second.`,
    );
  }
}

/** What the primary made of an intent. `exists`: an earlier order has the id that the client chose. */
type PrimaryOutcome =
  | WriteOutcome
  /** The order is there already, by an earlier attempt or by an equal earlier request. */
  | { readonly result: 'stored'; readonly wasThere: true }
  | { readonly result: 'exists'; readonly record: LegacyRecord };

/**
 * Writes an intent to its primary, whose answer the client gets. The instance that admitted it does this at once; the outbox worker repeats
 * it when that instance is dead, slow, or got no outcome. Both may do it at the same time: the id makes a repeat harmless.
 */
export class PrimaryWrite {
  constructor(
    private readonly ports: Pick<MigrationPorts, 'zone' | 'reports'>,
    private readonly sides: WrittenSides,
  ) {}

  /** Never rejects. */
  async run(intent: Intent, signal: AbortSignal): Promise<PrimaryOutcome> {
    const began = performance.now();
    const outcome = await this.attempt(intent, signal).catch((error: unknown): PrimaryOutcome => ({
      result: 'unknown',
      message: String(error),
    }));
    this.ports.reports.observed(intent.answering, performance.now() - began, outcome.result === 'unknown');
    return outcome;
  }

  private async attempt(intent: Intent, signal: AbortSignal): Promise<PrimaryOutcome> {
    const { answering, order, isIdGiven, isNumberGiven } = intent;
    if (isIdGiven) {
      // Any earlier order with this id is final, since the bucket admits an id once at a time: a read finds it.
      const [record] = await this.sides[answering].find({ capability: 'read-by-id', id: order.id }, signal);
      if (record !== undefined)
        return this.isOwn(record, intent) ? { result: 'stored', wasThere: true } : { result: 'exists', record };
    }
    // The legacy system checks numbers itself.
    if (isNumberGiven && answering === 'new') {
      const { number } = order.legacy;
      const read = { capability: 'read-by-range', start: number, end: number } as const;
      const other = (await this.sides.new.find(read, signal)).find(({ id }) => id !== order.id);
      if (other !== undefined)
        return { result: 'refused', code: 'number-in-use', message: `number ${number} is in use`, status: 409 };
    }
    const [outcome] = await this.sides[answering].write([order], signal);
    return outcome ?? { result: 'unknown', message: 'the side returned no outcome' };
  }

  /** An earlier attempt at this very intent may have stored the order. */
  private isOwn(record: LegacyRecord, { order }: Intent): boolean {
    return JSON.stringify(legacyView(order, this.ports.zone)) === JSON.stringify(record);
  }
}

/** Returns what an outcome of the primary says about the intent. */
export function updateAfter(bucket: number, intent: Intent, outcome: PrimaryOutcome): IntentUpdate {
  const place = { bucket, seq: intent.seq };
  if (outcome.result === 'unknown') return { ...place, error: outcome.message };
  if (outcome.result !== 'stored') return { ...place, close: true };
  if (intent.answering === 'new') return { ...place, new: 'sent' };
  return intent.new === 'none' ? { ...place, close: true } : { ...place, legacy: 'stored' };
}

const POLL_MS = 10;
/** A number that the facade assigned may be in use, if the legacy system was written behind its back. */
const MAX_NUMBERS = 3;

type FencedPorts = AdmissionPorts &
  Pick<MigrationPorts, 'sides' | 'numbers' | 'zone' | 'reports' | 'randomId' | 'logger'>;

/** Writes from `dualwrite` on: admitted by a bucket, written to the primary at once, and to the secondary by the outbox. */
export class FencedWrites {
  private readonly admission: Admission;
  private readonly primary: PrimaryWrite;

  constructor(
    private readonly ports: FencedPorts,
    blocks: NumberBlocks,
  ) {
    this.admission = new Admission(ports, blocks);
    this.primary = new PrimaryWrite(ports, ports.sides.answering);
  }

  /**
   * @returns `undefined` if writes are `off`, or on the way to it: nothing was stored
   * @throws NotAdmittedError
   */
  async post(request: LegacyRequest, deadline: number, signal: AbortSignal): Promise<LegacyAnswer | undefined> {
    const { clock, randomId, numbers } = this.ports;
    const assigned = { id: randomId(), createdAt: new Date(clock.now()) };
    const id = request.id ?? assigned.id;
    if (request.number !== undefined && !(await numbers.choose(request.number, id)))
      return errorAnswer({
        status: 409,
        code: 'number-in-use',
        message: `number ${request.number} is in use`,
        field: 'number',
      });
    const candidate: Candidate = {
      accountId: request.accountId,
      id,
      isIdGiven: request.id !== undefined,
      number: request.number,
      withNumber: (number) => completeRequest(request, { ...assigned, number }),
    };
    for (let tries = 1; ; tries += 1) {
      const admitted = await this.admission.admit(candidate, deadline);
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
  ): Promise<PrimaryOutcome> {
    if (!(await this.untilAnswered(bucket, earlier, deadline)))
      return { result: 'unknown', message: 'earlier writes of the account have no answer yet' };
    const outcome = await this.primary.run(intent, signal);
    const stored = this.store(bucket, intent, outcome);
    // Only a closed intent lets the same id in again. Otherwise the client need not wait: a worker would find out the same.
    if (outcome.result === 'refused') await stored;
    return outcome;
  }

  /** Waits until earlier writes of the account are stored on the primary, or refused. @returns whether they are in time */
  private async untilAnswered(bucket: number, earlier: readonly Intent[], deadline: number): Promise<boolean> {
    const seqs = new Set(earlier.map(({ seq }) => seq));
    while (seqs.size > 0) {
      const { open } = await this.ports.buckets.read(bucket);
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
    const { buckets, clock, limits } = this.ports;
    const { accountId } = intent.order;
    const next = open.find((other) => other.order.accountId === accountId && isUnanswered(other)) ?? intent;
    if (buckets.now().getTime() - next.admittedAt.getTime() >= limits.outbox.repairAfterMs) {
      const { signal } = new AbortController();
      const outcome = await inTrace(next.traceparent, async () => this.primary.run(next, signal));
      await buckets.update([updateAfter(bucket, next, outcome)]);
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
    const record = legacyView(intent.order, this.ports.zone) as LegacyRecord;
    for (;;) {
      const { open } = await this.ports.buckets.read(bucket);
      const now = open.find(({ seq }) => seq === intent.seq);
      if (now === undefined) return undefined;
      if (!isUnanswered(now)) return this.existing(request, record);
      if (!(await this.waitFor(bucket, now, open, deadline)))
        return unknownOutcome(intent.answering, 'an earlier request with this id has no answer yet');
    }
  }

  private answerOf(request: LegacyRequest, intent: Intent, outcome: PrimaryOutcome): LegacyAnswer {
    if (outcome.result === 'stored')
      return orderAnswer('wasThere' in outcome ? 200 : 201, legacyView(intent.order, this.ports.zone));
    if (outcome.result === 'exists') return this.existing(request, outcome.record);
    if (outcome.result === 'unknown') return unknownOutcome(intent.answering, outcome.message);
    return errorAnswer(outcome);
  }

  /** Answers a request whose id has an order: the same content is accepted again. */
  private existing(request: LegacyRequest, record: LegacyRecord): LegacyAnswer {
    const { id, number } = record;
    const same = completeRequest(request, { id, number, createdAt: new Date(0) });
    const expected: Partial<LegacyRecord> = legacyView(same, this.ports.zone) ?? {};
    const compared = ORDER_FIELDS.filter((name) => name !== 'createdAt' || request.createdAt !== undefined);
    const differing = compared.filter((name) => expected[name] !== record[name]);
    if (differing.length === 0) return orderAnswer(200, record);
    const message = `order ${id} exists under number ${number} with another ${differing.join(', ')}`;
    return errorAnswer({ status: 409, code: 'order-conflict', message, field: differing[0] });
  }

  private async store(bucket: number, intent: Intent, outcome: PrimaryOutcome): Promise<void> {
    try {
      await this.ports.buckets.update([updateAfter(bucket, intent, outcome)]);
    } catch (error) {
      this.ports.logger.warn(
        { bucket, seq: intent.seq, reason: String(error) },
        'outcome not stored, the outbox finds it out',
      );
    }
  }
}
