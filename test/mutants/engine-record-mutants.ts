import type { MutatedSource } from './mutant.js';

const ENGINE = { name: 'engine', folder: 'libs/parallel-consumer/src' };

/** Mutants of what the engine reads, commits and sends. */
export const ENGINE_RECORD_MUTANTS: readonly MutatedSource[] = [
  /** Mutants of fetching, committing and completed offsets. */
  {
    ...ENGINE,
    specs: 'behaviour/model.property',
    mutants: {
      'commit before completion: the oldest unfinished record counts as completed': {
        file: 'partition/offset-tracker.ts',
        replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
        by: 'const { oldest } = this.unfinished; return oldest === undefined ? this.nextOffset : oldest.offset + 1;',
      },
      'commit past all buffered records': {
        file: 'partition/offset-tracker.ts',
        replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
        by: 'return this.nextOffset;',
      },
      'ignore the epoch: a revoked partition is kept': {
        file: 'rebalance/assigned-partitions.ts',
        replace: 'this.revoke((name) => !kept || !wanted.has(name))',
        by: 'this.revoke(() => false)',
      },
      'ignore the epoch: work continues after the membership was lost': {
        file: 'rebalance/assigned-partitions.ts',
        replace: 'this.revoke((name) => !kept || !wanted.has(name))',
        by: 'this.revoke((name) => !wanted.has(name))',
        specs: 'behaviour/crash',
      },
      'ignore the epoch: a partition is kept across a missed generation': {
        file: 'kafka/group-member.ts',
        replace: 'this.isCooperative || synced.generationId + 1 === generationId;',
        by: 'true;',
        specs: 'group-member',
      },
      'drop a gap: markers after the last record are not skipped': {
        file: 'buffering/window-filler.ts',
        replace: 'tracker.skipTo(lastOffset + 1);',
      },
      'skip unread records: the next fetch begins one offset too high': {
        file: 'buffering/prefetcher.ts',
        replace: 'assignment.nextRead = batch.lastOffset + 1;',
        by: 'assignment.nextRead = batch.lastOffset + 2;',
      },
      'skip unread records: a record is dropped when the buffer is full': {
        file: 'buffering/window-filler.ts',
        replace: 'if (!this.mayTakeFrom(assignment)) continue;',
        by: `if (!this.membership.takes(assignment)) continue;
      if (!this.scheduler.hasShare(assignment)) {
        assignment.buffer.take();
        continue;
      }`,
      },
      'read twice: a fetch is repeated after it was processed': {
        file: 'buffering/prefetcher.ts',
        replace: 'assignment.nextRead = batch.lastOffset + 1;',
        by: 'assignment.nextRead = batch.fetchOffset;',
      },
      'ignore a truncated log: reading continues at its end': {
        file: 'buffering/log-problems.ts',
        replace: "onTruncatedLog === 'reset'",
        by: 'onTruncatedLog !== undefined',
        specs: 'behaviour/log',
      },
      'ignore a truncated log: unfinished records below its new end are not read again': {
        file: 'buffering/log-problems.ts',
        replace: 'Math.min(tracker.committable, stopped.from)',
        by: 'stopped.from',
        specs: 'behaviour/log',
      },
      'skip an unreadable batch: a read after it that was already open is accepted': {
        file: 'buffering/prefetcher.ts',
        replace: ' || assignment.stopped !== undefined) break;',
        by: ') break;',
        specs: 'behaviour/log',
      },
      'ignore a truncated log: the leader epoch of the last read record is not checked': {
        file: 'buffering/prefetcher.ts',
        replace: 'leaderEpoch: epochs.at(offset - 1)',
        by: 'leaderEpoch: undefined',
        specs: 'behaviour/log',
      },
      'stop at a compacted log: an epoch without records counts as truncated, although its end is ahead': {
        file: 'kafka/fetcher.ts',
        replace: 'diverging.endOffset >= offset;',
        by: 'diverging.endOffset > offset + 100;',
        specs: 'kafka/fetcher',
      },
      'ignore a truncated log: records of an earlier epoch behind the position are read': {
        file: 'kafka/read-result.ts',
        replace: 'if (verified === ANY_EPOCH && epoch < leaderEpoch)',
        by: 'if (false)',
        specs: 'kafka/fetcher',
      },
      'ignore a recreated topic: the commit does not contain the id of its log': {
        file: 'buffering/prefetcher.ts',
        replace: 'logId: map?.logId ?? logId,',
        by: 'logId,',
        specs: 'behaviour/log',
      },
      'deliver aborted records: only markers are hidden': {
        file: 'records/aborted-transactions.ts',
        replace: 'return batch.isTransactional && this.producers.has(batch.producerId);',
        by: 'return false;',
        specs: 'fetched-records',
      },
      "deliver aborted records: the broker's order of transactions is trusted": {
        file: 'records/aborted-transactions.ts',
        replace: 'aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);',
        by: '[...aborted];',
        specs: 'fetched-records',
      },
      'hide committed records: an abort is still applied after its marker': {
        file: 'records/aborted-transactions.ts',
        replace: 'this.producers.delete(batch.producerId);',
        specs: 'fetched-records',
      },
      'deliver corrupt records: the CRC is not checked': {
        file: 'records/record-batch.ts',
        replace: 'if (found !== expected)',
        by: 'if (false)',
        specs: 'fetched-records',
      },
      'hide corrupt records: the CRC is checked only for batches that are delivered': {
        file: 'records/fetched-records.ts',
        replace: 'batch.checkCrc();',
        by: 'if (!batch.isControl && batch.recordCount > 0) batch.checkCrc();',
        specs: 'fetched-records',
      },
      'call records of an old format corrupt, with the advice to delete them': {
        file: 'records/record-batch.ts',
        replace: 'if (OLD_MAGIC.has(magic))',
        by: 'if (false)',
        specs: 'fetched-records',
      },
      'the map of completed offsets contains one record too many': {
        file: 'commits/completed-offsets.ts',
        replace: 'pushVarint(bytes, to - from);',
        by: 'pushVarint(bytes, to - from + 1);',
      },
      'the map of another committed offset is accepted': {
        file: 'commits/completed-offsets.ts',
        replace: 'numbers.shift() !== committed',
        by: 'numbers.shift() === undefined',
        specs: 'completed-offsets',
      },
      'the map of completed offsets is not read': {
        file: 'buffering/window-filler.ts',
        replace: 'if (tracker.wasCompletedBefore(record.offset)) {',
        by: 'if (false) {',
        specs: 'behaviour/crash',
      },
      'the first commit loses the map that was read': {
        file: 'partition/offset-tracker.ts',
        replace: 'for (const range of this.finishedBefore)',
        by: 'for (const range of [])',
        specs: 'offset-tracker',
      },
      'completed offsets survive a truncation: the epochs of their records are not compared': {
        file: 'buffering/prefetcher.ts',
        replace: 'if (offset === undefined || !tracker.forgetCompletedFrom(offset)) return;',
        by: 'if (offset !== -1) return;',
        specs: 'behaviour/crash',
      },
      'completed offsets survive a truncation: only a later epoch counts as another one': {
        file: 'partition/epoch-history.ts',
        replace: 'return epoch >= 0 && epoch === this.at(offset) ? [] : [offset];',
        by: 'return epoch <= (this.at(offset) ?? -1) ? [] : [offset];',
        specs: 'behaviour/crash',
      },
      'completed offsets survive a truncation: the first commit loses the epochs that were read': {
        file: 'partition/epoch-history.ts',
        replace: '[{ epoch, offset: offset - 1 }]), ...completed];',
        by: '[{ epoch, offset: offset - 1 }])];',
        specs: 'behaviour/crash',
      },
      'decompress without a limit: lz4': {
        file: 'records/compression.ts',
        replace: 'requireAtMost(maxBytes, lz4Size(bytes, maxBytes));',
        specs: 'compression',
      },
      'decompress without a limit: each block of a snappy stream may have all of it': {
        file: 'records/compression.ts',
        replace: 'left -= block.length;',
        specs: 'compression',
      },
      'decompressed bytes do not count towards maxBytes': {
        file: 'buffering/window-filler.ts',
        replace: 'decompressed += buffer.decompressedBytes;',
        by: 'decompressed += 0 * buffer.decompressedBytes;',
        specs: 'behaviour/compressed',
      },
      'a paused topic keeps its decompressed batches, and the others wait for ever': {
        file: 'buffering/window-filler.ts',
        replace: 'for (const assignment of waiting) {',
        by: 'for (const assignment of waiting.slice(0, 0)) {',
        specs: 'behaviour/compressed',
      },
      'under memory pressure a partition decompresses its next batch before those that wait longer': {
        file: 'buffering/window-filler.ts',
        replace: 'return this.hasRoomForBatch() && !this.hasLongerWaiting(assignment);',
        by: 'return this.hasRoomForBatch();',
        specs: 'behaviour/compressed',
      },
      'a failed commit counts as successful': {
        file: 'commits/committer.ts',
        replace: 'if (!committed) throw new Error(`no response within ${TIMEOUT_MS} ms`);',
        specs: 'committer',
      },
      'a consumer counts as stuck while a transaction stays open on an idle topic': {
        file: 'buffering/prefetcher.ts',
        replace: 'assignment.lastStableOffset = batch.lastStableOffset;',
        by: 'assignment.lastStableOffset = batch.highWatermark;',
        specs: 'status/stuck-check',
      },
      'deleted records are skipped silently': {
        file: 'buffering/log-problems.ts',
        replace: "onDeletedRecords === 'skip'",
        by: 'onDeletedRecords !== undefined',
        specs: 'behaviour/deleted',
      },
    },
  },
  /** Mutants of what the engine sends: batches, dead letters, retries and commits. */
  {
    ...ENGINE,
    specs: 'kafka/reliable-producer',
    mutants: {
      'the records of one partition are one batch, whatever its size': {
        file: 'kafka/outgoing-records.ts',
        replace: ' || batch + bytes > MAX_BATCH_BYTES',
        by: ' || batch < 0',
      },
      'a batch is limited by the bytes of its values only': {
        file: 'kafka/outgoing-records.ts',
        replace: 'const bytes = mostBytes(record);',
        by: 'const bytes = record.value?.length ?? mostBytes(record);',
      },
      'a dead letter loses its value for a reason that is not its size': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: 'SIZE_ERRORS.has(code) ? shrinkLetter(only.letter) : undefined',
        by: 'SIZE_ERRORS.has(code) || code !== "" ? shrinkLetter(only.letter) : undefined',
        specs: 'behaviour/rejected-dead-letters',
      },
      'a dead letter that Kafka rejects again and again blocks the others': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: 'else this.waiting.push(...this.waiting.splice(0, 1));',
        specs: 'behaviour/rejected-dead-letters',
      },
      'a deleted dead-letter topic blocks all retries: one producer for all topics': {
        file: 'kafka/topic-producers.ts',
        replace: 'this.producers.get(topic) ?? this.create()',
        by: '[...this.producers.values()][0] ?? this.create()',
        specs: 'kafka/topic-producers',
      },
      'the outputs for a deleted topic block those for all others': {
        file: 'handlers/produce-handler.ts',
        replace: 'const batcher = batchers.get(topic) ??',
        by: 'const batcher = [...batchers.values()][0] ??',
        specs: 'handlers/produce-handler',
      },
      'the reason of waiting dead letters is that of another topic': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: '.find(({ topic }) => topic === deadLetterTopic)',
        by: '.at(0)',
        specs: 'behaviour/topics',
      },
      'one deleted topic fails the commit of all topics': {
        file: 'kafka/group-offsets.ts',
        replace: '!PARTITION_ERRORS.has(code)',
        by: "code !== ''",
        specs: 'kafka/group-offsets',
      },
      'a commit under an old generation counts as that of some partitions': {
        file: 'kafka/group-offsets.ts',
        replace: "if (other !== undefined) throw new KafkaError(other.code, 'OffsetCommit');",
        specs: 'kafka/group-offsets',
      },
      'the offsets of a deleted topic are committed again and again, and each stop waits for them': {
        file: 'commits/committer.ts',
        replace: 'if (!(error instanceof PartitionsRejectedError)) throw error;',
        by: 'throw error;',
        specs: 'behaviour/several-topics',
      },
      'dead letters and retries have only the last of a repeated header': {
        file: 'records/record.ts',
        replace: 'all.map(([, value]) => value)',
        by: 'all.map(([, value]) => value).at(-1) ?? null',
        specs: 'handlers/retry-topics',
      },
      'a header without a value becomes empty in dead letters and retries': {
        file: 'records/record.ts',
        replace: 'all.map(([, value]) => value)',
        by: "all.map(([, value]) => value ?? '')",
        specs: 'handlers/retry-topics',
      },
      'a record counts its repeated headers as one': {
        file: 'records/encode-batch.ts',
        replace: 'if (isRepeated(value)) count += value.length - 1;',
        specs: 'records/encode-batch',
      },
      'a drain may take longer than a rebalance waits for it': {
        file: 'options.ts',
        replace: 'drainTimeoutMs + REBALANCE_OVERHEAD_MS > rebalanceTimeoutMs',
        by: 'drainTimeoutMs < 0 && rebalanceTimeoutMs < 0',
        specs: 'behaviour/options',
      },
      'records of a machine whose clock is wrong are rejected for good': {
        file: 'kafka/reliable-producer.ts',
        replace: "'INVALID_RECORD'];",
        by: "'INVALID_RECORD', 'INVALID_TIMESTAMP'];",
      },
      'records keep the wrong time of a clock that was corrected': {
        file: 'kafka/reliable-producer.ts',
        replace: '() => Date.now()',
        by: '() => this.clock.now()',
      },
    },
  },
  /** Mutants of retry topics and their delays. */
  {
    ...ENGINE,
    specs: 'retry-topics',
    mutants: {
      'a record in a retry topic is tried at once': {
        file: 'broker/delayed-broker.ts',
        replace: 'if (!(await this.isDue(batch, signal))) return undefined;',
        by: 'if (signal.aborted) return undefined;',
        specs: 'delayed-broker',
      },
      'all records of a fetch are due with its first one': {
        file: 'broker/delayed-batch.ts',
        replace: ' && this.dueAt <= now) {',
        by: ' && this.fetchedAt <= now) {',
        specs: 'delayed-broker',
      },
      'a delayed read goes on after its partition was revoked': {
        file: 'broker/delayed-broker.ts',
        replace: '      ownership.abort();\n',
        specs: 'delayed-broker',
      },
      'a fetch is kept for the next time that this member owns the partition': {
        file: 'broker/delayed-broker.ts',
        replace: '      this.pending.delete(name);\n      ownership',
        by: '      ownership',
        specs: 'delayed-broker',
      },
      'the records of a fetch that are not due are skipped': {
        file: 'broker/delayed-batch.ts',
        replace: "'record' in next ? next.record.offset - 1 : this.batch.lastOffset",
        by: 'this.batch.lastOffset',
        specs: 'retry-topics|delayed-broker',
      },
      'a record is completed before its retry topic has it': {
        file: 'handlers/retry-topics.ts',
        replace: 'send: async (topic, records) => broker.publish(topic, records)',
        by: 'send: async (topic, records) => void broker.publish(topic, records).catch(() => undefined)',
      },
      'an outage moves good records to a retry topic': {
        file: 'handlers/retry-topics.ts',
        replace: ' && attempt.isDuringOutage !== true',
        specs: 'behaviour/retries',
      },
      'an invalid record goes through all retry topics': {
        file: 'handlers/retry-topics.ts',
        replace: " || classify(error) !== 'retriable') throw error;",
        by: ') throw error;',
      },
      'a record goes to its retry topic at its first failure': {
        file: 'handlers/retry-topics.ts',
        replace: 'attempt.number >= attempts && ',
      },
      'a dead letter names the last retry topic as its origin': {
        file: 'handlers/retry-topics.ts',
        replace: ', ...Object.fromEntries(origin) } };',
        by: ' } };',
      },
      'a record goes to a partition that its retry topic lacks': {
        file: 'handlers/retry-topics.ts',
        replace: 'return partition % count;',
        by: 'return partition;',
      },
    },
  },
  /** Mutants of traces. */
  {
    ...ENGINE,
    specs: 'tracing/opentelemetry-tracer',
    mutants: {
      'a traced record does not continue the trace in its headers': {
        file: 'tracing/opentelemetry-tracer.ts',
        replace: 'trace.getSpan(carried) === undefined ? undefined : carried',
        by: 'undefined',
      },
      'the handler does not run in the span of its attempt': {
        file: 'attempts/task-runner.ts',
        replace: 'else task.trace.run(() => this.start(attempt));',
        by: 'else this.start(attempt);',
      },
      'the outcome of an attempt is not in its span': {
        file: 'attempts/task-runner.ts',
        replace: '    attempt.task.trace?.attemptEnded(outcome, error);\n',
      },
      'the wait for an earlier record of the key is not in the trace': {
        file: 'window/scheduler.ts',
        replace: '    behind.trace?.keyFree();\n',
      },
      'the span of a record does not end when its dead letter was not published before a revocation': {
        file: 'attempts/task-completion.ts',
        replace: "    task.trace?.ended('handed-over');\n",
      },
      'the span of a record that another member handles again does not end': {
        file: 'attempts/running-attempts.ts',
        replace: "  task.trace?.ended('handed-over');\n",
      },
      'a rebalance is not traced': {
        file: 'rebalance/rebalance-handler.ts',
        replace: '    tracer?.rebalanced?.(report, milliseconds);\n',
      },
      'the records of a batch are not linked to it': {
        file: 'tracing/opentelemetry-tracer.ts',
        replace: '    for (const each of attempts) each.addLink({ context: span.spanContext() });\n',
      },
      'produced records do not carry the trace of their record': {
        file: 'handlers/produce-handler.ts',
        replace: 'trace === undefined ? outputs : outputs.map((output) => trace.inject(output))',
        by: 'outputs',
      },
      'a batch that is sent overwrites the contexts of its records': {
        file: 'tracing/opentelemetry-tracer.ts',
        replace: '!haveContexts && trace.getSpan(active) !== undefined',
        by: 'contexts.length === 0',
      },
      'a record that is not traced starts in the trace of the one before': {
        file: 'attempts/task-runner.ts',
        replace: 'else this.outside(this.startReady);',
        by: 'else this.startReady();',
      },
      'a batch of records that are not traced is handled in the trace of an earlier one': {
        file: 'handlers/batch-queue.ts',
        replace: 'return void this.outside(() => this.flush());',
        by: 'return void this.flush();',
      },
      'the trace of a running record goes on after its revocation': {
        file: 'attempts/running-attempts.ts',
        replace: '      endTrace(attempt);\n',
      },
      'the trace of the record that stops the consumer does not end': {
        file: 'attempts/task-completion.ts',
        replace: "      task.trace?.ended('handed-over', cause);\n",
      },
    },
  },
];
