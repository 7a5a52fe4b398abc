import type { Mutant } from './mutant.js';

const LETTERS = 'attempts/dead-letter-publisher.ts';
const OUTGOING = 'kafka/outgoing-records.ts';

/** Mutants of what the engine sends: batches, dead letters, retries and commits. */
export const PRODUCING_MUTANTS: readonly Mutant[] = [
  {
    name: 'the records of one partition are one batch, whatever its size',
    file: OUTGOING,
    replace: ' || batch + bytes > MAX_BATCH_BYTES',
    by: ' || batch < 0',
    specs: 'kafka/reliable-producer',
  },
  {
    name: 'a batch is limited by the bytes of its values only',
    file: OUTGOING,
    replace: 'const bytes = mostBytes(record);',
    by: 'const bytes = record.value?.length ?? mostBytes(record);',
    specs: 'kafka/reliable-producer',
  },
  {
    name: 'a dead letter loses its value for a reason that is not its size',
    file: LETTERS,
    replace: 'SIZE_ERRORS.has(code) ? shrinkLetter(only.letter) : undefined',
    by: 'SIZE_ERRORS.has(code) || code !== "" ? shrinkLetter(only.letter) : undefined',
    specs: 'behaviour/rejected-letters',
  },
  {
    name: 'a dead letter that Kafka rejects again and again blocks the others',
    file: LETTERS,
    replace: 'else this.waiting.push(...this.waiting.splice(0, 1));',
    by: '',
    specs: 'behaviour/rejected-letters',
  },
  {
    name: 'a deleted dead-letter topic blocks all retries: one producer for all topics',
    file: 'kafka/topic-producers.ts',
    replace: 'this.producers.get(topic) ?? this.create()',
    by: '[...this.producers.values()][0] ?? this.create()',
    specs: 'kafka/topic-producers',
  },
  {
    name: 'the outputs for a deleted topic block those for all others',
    file: 'handlers/produce-handler.ts',
    replace: 'const batcher = batchers.get(topic) ??',
    by: 'const batcher = [...batchers.values()][0] ??',
    specs: 'handlers/produce-handler',
  },
  {
    name: 'the reason of waiting dead letters is that of another topic',
    file: LETTERS,
    replace: '.find(({ topic }) => topic === deadLetterTopic)',
    by: '.at(0)',
    specs: 'behaviour/topics',
  },
  {
    name: 'one deleted topic fails the commit of all topics',
    file: 'kafka/group-offsets.ts',
    replace: '!PARTITION_ERRORS.has(code)',
    by: "code !== ''",
    specs: 'kafka/group-offsets',
  },
  {
    name: 'a commit under an old generation counts as that of some partitions',
    file: 'kafka/group-offsets.ts',
    replace: "if (other !== undefined) throw new KafkaError(other.code, 'OffsetCommit');",
    by: '',
    specs: 'kafka/group-offsets',
  },
  {
    name: 'the offsets of a deleted topic are committed again and again, and each stop waits for them',
    file: 'commits/committer.ts',
    replace: 'if (!(error instanceof PartitionsRejectedError)) throw error;',
    by: 'throw error;',
    specs: 'behaviour/several-topics',
  },
  {
    name: 'dead letters and retries have only the last of a repeated header',
    file: 'records/record.ts',
    replace: 'all.map(([, value]) => value)',
    by: 'all.map(([, value]) => value).at(-1) ?? null',
    specs: 'handlers/retry-topics',
  },
  {
    name: 'a header without a value becomes empty in dead letters and retries',
    file: 'records/record.ts',
    replace: 'all.map(([, value]) => value)',
    by: "all.map(([, value]) => value ?? '')",
    specs: 'handlers/retry-topics',
  },
  {
    name: 'a record counts its repeated headers as one',
    file: 'records/encode-batch.ts',
    replace: 'if (isRepeated(value)) count += value.length - 1;',
    by: '',
    specs: 'records/encode-batch',
  },
  {
    name: 'a drain may take longer than a rebalance waits for it',
    file: 'options.ts',
    replace: 'drainTimeoutMs + AROUND_DRAIN_MS > rebalanceTimeoutMs',
    by: 'drainTimeoutMs < 0 && rebalanceTimeoutMs < 0',
    specs: 'behaviour/options',
  },
  {
    name: 'records of a machine whose clock is wrong are rejected for good',
    file: 'kafka/reliable-producer.ts',
    replace: "'INVALID_RECORD'];",
    by: "'INVALID_RECORD', 'INVALID_TIMESTAMP'];",
    specs: 'kafka/reliable-producer',
  },
  {
    name: 'records keep the wrong time of a clock that was corrected',
    file: 'kafka/reliable-producer.ts',
    replace: '() => Date.now()',
    by: '() => this.clock.now()',
    specs: 'kafka/reliable-producer',
  },
];
