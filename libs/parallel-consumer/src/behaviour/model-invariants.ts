import type { ConsumedRecord } from '../records/record.js';
import type { DrainReport } from '../events/drain-report.js';
import type { CommittedOffset } from '../protocol/offset-requests.js';
import { AttemptHistory, FencedSink, type HistoricRecord, type SeenAttempt } from '../testing/attempt-history.js';
import { coveredBy, type ModelLedger, type ModelRecord } from './model-ledger.js';
import type { ModelAttempt, ModelMember, ModelObserver, ModelOptions } from './model-member.js';

/** Options with the bounds that the invariants check. */
export type WorldOptions = ModelOptions &
  Required<Pick<ModelOptions, 'ordering' | 'maxBuffered' | 'maxBytes' | 'attemptTimeoutMs' | 'attemptGraceMs'>>;

/** What the invariants know of the group, as its coordinator does. */
export interface GroupTruth {
  committed(partition: number): CommittedOffset;
  ownerOf(partition: number): string | undefined;
  readonly strayCommits: readonly string[];
  /** Whether a machine was suspended, with its clock: only fences help then. */
  readonly wasSuspended: boolean;
}

/** A time limit that no attempt of the model reaches, in ms. */
export const NEVER_MS = 1_000_000_000;
/** More than the size of any record of the model: one record may exceed `maxBytes`. */
const ONE_RECORD_BYTES = 1_000;

/** The invariants of the model world, checked whenever an attempt begins and after each command. */
export class ModelInvariants implements ModelObserver {
  private readonly violations: string[] = [];
  private readonly history: AttemptHistory;
  private readonly fencedSink: FencedSink;
  /** Attempts that have not ended. */
  private readonly seen = new Map<
    ModelAttempt['attempt'],
    { readonly seen: SeenAttempt; readonly startedAt: number }
  >();
  private readonly begun = new Set<string>();
  private calls = new Map<ModelAttempt['attempt'], number>();

  constructor(
    private readonly topic: string,
    private readonly options: WorldOptions,
    private readonly ledger: ModelLedger,
    private readonly partitions: number,
    private readonly group: GroupTruth,
  ) {
    this.history = new AttemptHistory(options.ordering);
    this.fencedSink = new FencedSink(options.ordering);
  }

  appended({ key, offset, partition }: ModelRecord): void {
    this.history.appended({ topic: this.topic, partition, offset, key });
  }

  truncated(partition: number, end: number): void {
    this.history.truncated(this.topic, partition, end);
  }

  deadLettered({ key, offset, partition }: ModelRecord): void {
    this.history.deadLettered({ topic: this.topic, partition, offset, key });
    const all = [...this.seen.values()].map(({ seen }) => seen);
    // An attempt that runs on after the dead letter of its record is abandoned, with those that it took along.
    for (const { call } of all.filter(({ record }) => record.partition === partition && record.offset === offset))
      for (const each of all) if (each.call === call) this.history.abandoned(each);
  }

  started(member: ModelMember, { record, attempt }: ModelAttempt): void {
    const { inFlight, inFlightLimit } = member.consumer.status;
    const live = member.liveRuns();
    if (inFlight > inFlightLimit || live.length >= inFlightLimit)
      this.violated(record, `started beyond the limit of ${inFlightLimit}`);
    this.calls.set(attempt, this.calls.size);
  }

  begins(member: ModelMember, { record, attempt }: ModelAttempt, call: ModelAttempt): void {
    const { partition, offset } = record;
    const key = record.key?.toString() ?? null;
    const isPaused = member.consumer.status.paused.some((each) => each.key === undefined || each.key === String(key));
    if (isPaused) this.violated(record, 'started although it is paused');
    // The promises are about the log as it is: a truncation has replaced the record.
    if (!this.ledger.inPartition(partition).some(({ value }) => value === String(record.value))) return;
    this.beginOwnership(member, partition, attempt.fence);
    const seen: SeenAttempt = {
      record: { topic: this.topic, partition, offset, key },
      member: member.name,
      fence: attempt.fence,
      call: this.calls.get(call.attempt) ?? -1,
      attempt: attempt.number,
    };
    this.abandonOlder(member, record, attempt.fence);
    // Those that a call took along are abandoned with it.
    const startedAt = this.seen.get(call.attempt)?.startedAt ?? member.process.now();
    this.seen.set(attempt, { seen, startedAt });
    this.history.started(seen);
    const owner = this.group.ownerOf(partition);
    if (!this.group.wasSuspended && owner !== undefined && !member.ids.has(owner))
      this.violated(record, `started by ${member.name} although the group has assigned its partition to ${owner}`);
  }

  takesEffect({ record, attempt }: ModelAttempt): void {
    this.ledger.handled(String(record.value));
    const seen = this.seen.get(attempt)?.seen;
    if (seen === undefined) return;
    // After an abandonment, the order of the key is not promised.
    if (this.options.attemptTimeoutMs >= NEVER_MS && (this.options.stalledRecordDeadLetterMs ?? NEVER_MS) >= NEVER_MS)
      this.fencedSink.apply(seen);
  }

  ended({ attempt }: ModelAttempt, outcome: 'done' | 'failed' | 'untried' | 'ignored'): void {
    const seen = this.seen.get(attempt)?.seen;
    if (seen === undefined) return;
    this.seen.delete(attempt);
    if (outcome === 'ignored') this.history.abandoned(seen);
    else this.history.ended(seen, outcome);
  }

  drained({ lost }: DrainReport): void {
    if (lost !== 0) this.violations.push(`a drain lost ${lost} records`);
  }

  broken(error: unknown): void {
    this.violations.push(`unexpected handler error: ${String(error)}`);
  }

  /** @throws Error that lists all violations */
  check(members: readonly ModelMember[]): void {
    for (let partition = 0; partition < this.partitions; partition += 1) {
      const committed = this.group.committed(partition);
      for (const record of this.ledger.passedOver(committed))
        this.violated(record, `committed past (${committed.offset}, ${committed.metadata})`);
    }
    const { maxBuffered, maxBytes } = this.options;
    for (const { consumer } of members) {
      const { taken, takenBytes } = consumer.status;
      if (taken < 0 || takenBytes < 0) this.violations.push('records were released twice');
      if (taken > maxBuffered) this.violations.push(`${taken} records taken`);
      if (takenBytes > maxBytes + ONE_RECORD_BYTES) this.violations.push(`${takenBytes} bytes taken`);
    }
    if (this.group.strayCommits.length > 0)
      this.violations.push(`committed without being assigned: ${this.group.strayCommits.join()}`);
    const anomalies = this.group.wasSuspended ? [] : this.history.anomalies.map(({ text }) => text);
    const all = [...this.violations, ...anomalies, ...this.fencedSink.anomalies];
    if (all.length > 0) throw new Error(all.join('; '));
  }

  /** Notes where an ownership has begun to read, when it begins work. One that replaces another after a truncation has read nothing anew. */
  private beginOwnership({ readPositions }: ModelMember, partition: number, fence: number): void {
    const name = `${partition}/${fence}`;
    if (this.begun.has(name)) return;
    this.begun.add(name);
    const position = readPositions.get(partition);
    readPositions.delete(partition);
    if (position === undefined) return;
    const isCovered = coveredBy(position);
    // After a reset to the end of a truncated log, the engine commits without an epoch, which says of no record that it is covered.
    const hasEpoch = position.leaderEpoch >= 0;
    const closed = new Set(hasEpoch ? [] : this.ledger.accountedBelow(partition, position.offset));
    this.history.began(this.topic, partition, fence, (offset) => {
      const record = this.ledger.inPartition(partition).find((each) => each.offset === offset);
      return record !== undefined && (isCovered(record) || closed.has(record.value));
    });
  }

  /** The engine abandons an attempt past its time limit and grace, and only then begins another one of the record. */
  private abandonOlder(member: ModelMember, { partition, offset }: ConsumedRecord, fence: number): void {
    const { attemptTimeoutMs, attemptGraceMs } = this.options;
    for (const { seen, startedAt } of this.seen.values()) {
      const isSame = seen.record.partition === partition && seen.record.offset === offset && seen.fence === fence;
      if (
        isSame &&
        seen.member === member.name &&
        member.process.now() - startedAt >= attemptTimeoutMs + attemptGraceMs
      )
        this.history.abandoned(seen);
    }
  }

  private violated({ partition, offset }: Pick<HistoricRecord, 'partition' | 'offset'>, how: string): void {
    this.violations.push(`${partition}-${offset} ${how}`);
  }
}
