import type { ConsumedRecord } from '../records/record.js';
import type { DrainReport } from '../events/drain-report.js';
import { covers, type Committed, type ModelLedger } from './model-ledger.js';
import type { ModelMember, ModelObserver, ModelOptions } from './model-member.js';

/** Options with the bounds that the invariants check. */
export type WorldOptions = ModelOptions & Required<Pick<ModelOptions, 'ordering' | 'maxBuffered' | 'maxBytes'>>;

/** More than the size of any record of the model: one record may exceed `maxBytes`. */
const ONE_RECORD_BYTES = 1_000;

/** The invariants of the model world, checked whenever a handler starts and after each command. */
export class ModelInvariants implements ModelObserver {
  private readonly violations: string[] = [];

  constructor(
    private readonly options: WorldOptions,
    private readonly ledger: ModelLedger,
    private readonly partitions: number,
    private readonly committed: (partition: number) => Committed,
  ) {}

  started(member: ModelMember, record: ConsumedRecord): void {
    const { inFlight, inFlightLimit } = member.consumer.status;
    const live = member.liveRuns();
    const { partition, offset } = record;
    if (inFlight > inFlightLimit || live.length >= inFlightLimit)
      this.violated(record, `started beyond the limit of ${inFlightLimit}`);
    if (live.some(({ record: other }) => other.partition === partition && other.offset === offset))
      this.violated(record, 'started while already running');
    this.startsAttempt(member, record);
    this.applies(member, record);
  }

  applies(member: ModelMember, record: ConsumedRecord): void {
    const { partition, offset } = record;
    // A member that is no longer in the group can't know the commits of others.
    if (member.state === 'alive' && covers(this.committed(partition), offset))
      this.violated(record, 'started although it is committed');
    for (const other of this.ledger.before(record))
      if (!this.ledger.isAccounted(other)) this.violated(record, `started before ${other.offset} was finished`);
  }

  startsAttempt(member: ModelMember, record: ConsumedRecord): void {
    const isPaused = member.consumer.status.paused.some(({ key }) => key === undefined || key === String(record.key));
    if (isPaused) this.violated(record, 'started although it is paused');
  }

  handled(record: ConsumedRecord): void {
    this.ledger.handled(record);
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
      const committed = this.committed(partition);
      for (const record of this.ledger.passedOver(committed))
        this.violated(record, `committed past (${committed.offset}, ${committed.metadata})`);
    }
    const { maxBuffered, maxBytes } = this.options;
    for (const { consumer, broker } of members) {
      const { taken, takenBytes } = consumer.status;
      if (taken < 0 || takenBytes < 0) this.violations.push('records were released twice');
      if (taken > maxBuffered) this.violations.push(`${taken} records taken`);
      if (takenBytes > maxBytes + ONE_RECORD_BYTES) this.violations.push(`${takenBytes} bytes taken`);
      if (broker.strayCommits.length > 0)
        this.violations.push(`committed without being assigned: ${broker.strayCommits.join()}`);
    }
    if (this.violations.length > 0) throw new Error(this.violations.join('; '));
  }

  private violated({ partition, offset }: ConsumedRecord, how: string): void {
    this.violations.push(`${partition}-${offset} ${how}`);
  }
}
