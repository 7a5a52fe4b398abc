import type { Mutant } from './mutant.js';

const OFFSET_TRACKER = 'partition/offset-tracker.ts';
const MAP = 'commits/completed-offsets.ts';
const LOG_PROBLEMS = 'intake/log-problems.ts';
const INTAKE = 'intake/intake.ts';
const ASSIGNMENTS = 'membership/assignments.ts';
const READ_AHEAD = 'intake/read-ahead.ts';

/** Mutants of fetching, committing and completed offsets. */
export const OFFSET_MUTANTS: readonly Mutant[] = [
  {
    name: 'commit before completion: the oldest unfinished record counts as completed',
    file: OFFSET_TRACKER,
    replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
    by: 'const { oldest } = this.unfinished; return oldest === undefined ? this.nextOffset : oldest.offset + 1;',
  },
  {
    name: 'commit past all buffered records',
    file: OFFSET_TRACKER,
    replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
    by: 'return this.nextOffset;',
  },
  {
    name: 'ignore the epoch: a revoked partition is kept',
    file: ASSIGNMENTS,
    replace: 'this.revoke((name) => !kept || !wanted.has(name))',
    by: 'this.revoke(() => false)',
  },
  {
    name: 'ignore the epoch: work continues after the membership was lost',
    file: ASSIGNMENTS,
    replace: 'this.revoke((name) => !kept || !wanted.has(name))',
    by: 'this.revoke((name) => !wanted.has(name))',
    specs: 'behaviour/crash',
  },
  {
    name: 'ignore the epoch: a partition is kept across a missed generation',
    file: 'kafka/group-member.ts',
    replace: 'this.isCooperative || synced.generationId + 1 === generationId;',
    by: 'true;',
    specs: 'group-member',
  },
  {
    name: 'drop a gap: markers after the last record are not skipped',
    file: INTAKE,
    replace: 'tracker.skipTo(lastOffset + 1);',
    by: '',
  },
  {
    name: 'skip unread records: the next fetch begins one offset too high',
    file: READ_AHEAD,
    replace: 'assignment.nextRead = batch.lastOffset + 1;',
    by: 'assignment.nextRead = batch.lastOffset + 2;',
  },
  {
    name: 'skip unread records: a record is dropped when the buffer is full',
    file: INTAKE,
    replace: 'if (!this.mayTakeFrom(assignment)) continue;',
    by: `if (!this.membership.takes(assignment)) continue;
      if (!this.scheduler.hasShare(assignment)) {
        assignment.buffer.take();
        continue;
      }`,
  },
  {
    name: 'read twice: a fetch is repeated after it was processed',
    file: READ_AHEAD,
    replace: 'assignment.nextRead = batch.lastOffset + 1;',
    by: 'assignment.nextRead = batch.fetchOffset;',
  },
  {
    name: 'ignore a truncated log: reading continues at its end',
    file: LOG_PROBLEMS,
    replace: "onTruncatedLog === 'reset'",
    by: 'onTruncatedLog !== undefined',
    specs: 'behaviour/log',
  },
  {
    name: 'ignore a truncated log: unfinished records below its new end are not read again',
    file: LOG_PROBLEMS,
    replace: 'Math.min(tracker.committable, stopped.from)',
    by: 'stopped.from',
    specs: 'behaviour/log',
  },
  {
    name: 'skip an unreadable batch: a read after it that was already open is accepted',
    file: READ_AHEAD,
    replace: ' || assignment.stopped !== undefined) break;',
    by: ') break;',
    specs: 'behaviour/log',
  },
  {
    name: 'ignore a truncated log: the leader epoch of the last read record is not checked',
    file: READ_AHEAD,
    replace: 'leaderEpoch: epochs.at(offset - 1)',
    by: 'leaderEpoch: undefined',
    specs: 'behaviour/log',
  },
  {
    name: 'stop at a compacted log: an epoch without records counts as truncated, although its end is ahead',
    file: 'kafka/fetcher.ts',
    replace: 'diverging.endOffset >= offset;',
    by: 'diverging.endOffset > offset + 100;',
    specs: 'kafka/fetcher',
  },
  {
    name: 'ignore a truncated log: records of an earlier epoch behind the position are read',
    file: 'kafka/read-answer.ts',
    replace: 'if (verified === ANY_EPOCH && epoch < leaderEpoch)',
    by: 'if (false)',
    specs: 'kafka/fetcher',
  },
  {
    name: 'ignore a recreated topic: the commit does not contain the id of its log',
    file: READ_AHEAD,
    replace: 'logId: map?.logId ?? logId,',
    by: 'logId,',
    specs: 'behaviour/log',
  },
  {
    name: 'deliver aborted records: only markers are hidden',
    file: 'records/aborted-transactions.ts',
    replace: 'return batch.isTransactional && this.producers.has(batch.producerId);',
    by: 'return false;',
    specs: 'fetched-records',
  },
  {
    name: "deliver aborted records: the broker's order of transactions is trusted",
    file: 'records/aborted-transactions.ts',
    replace: 'aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);',
    by: '[...aborted];',
    specs: 'fetched-records',
  },
  {
    name: 'hide committed records: an abort is still applied after its marker',
    file: 'records/aborted-transactions.ts',
    replace: 'this.producers.delete(batch.producerId);',
    by: '',
    specs: 'fetched-records',
  },
  {
    name: 'deliver corrupt records: the CRC is not checked',
    file: 'records/record-batch.ts',
    replace: 'if (found !== expected)',
    by: 'if (false)',
    specs: 'fetched-records',
  },
  {
    name: 'hide corrupt records: the CRC is checked only for batches that are delivered',
    file: 'records/fetched-records.ts',
    replace: 'batch.checkCrc();',
    by: 'if (!batch.isControl && batch.recordCount > 0) batch.checkCrc();',
    specs: 'fetched-records',
  },
  {
    name: 'call records of an old format corrupt, with the advice to delete them',
    file: 'records/record-batch.ts',
    replace: 'if (OLD_MAGIC.has(magic))',
    by: 'if (false)',
    specs: 'fetched-records',
  },
  {
    name: 'the map of completed offsets contains one record too many',
    file: MAP,
    replace: 'pushVarint(bytes, to - from);',
    by: 'pushVarint(bytes, to - from + 1);',
  },
  {
    name: 'the map of another committed offset is accepted',
    file: MAP,
    replace: 'numbers.shift() !== committed',
    by: 'numbers.shift() === undefined',
    specs: 'completed-offsets',
  },
  {
    name: 'the map of completed offsets is not read',
    file: INTAKE,
    replace: 'if (tracker.wasCompletedBefore(record.offset)) {',
    by: 'if (false) {',
    specs: 'behaviour/crash',
  },
  {
    name: 'the first commit loses the map that was read',
    file: OFFSET_TRACKER,
    replace: 'for (const range of this.finishedBefore)',
    by: 'for (const range of [])',
    specs: 'offset-tracker',
  },
  {
    name: 'completed offsets survive a truncation: the epochs of their records are not compared',
    file: READ_AHEAD,
    replace: 'if (offset === undefined || !tracker.forgetCompletedFrom(offset)) return;',
    by: 'if (offset !== -1) return;',
    specs: 'behaviour/crash',
  },
  {
    name: 'completed offsets survive a truncation: only a later epoch counts as another one',
    file: 'partition/epoch-history.ts',
    replace: 'return epoch >= 0 && epoch === this.at(offset) ? [] : [offset];',
    by: 'return epoch <= (this.at(offset) ?? -1) ? [] : [offset];',
    specs: 'behaviour/crash',
  },
  {
    name: 'completed offsets survive a truncation: the first commit loses the epochs that were read',
    file: 'partition/epoch-history.ts',
    replace: '[{ epoch, offset: offset - 1 }]), ...completed];',
    by: '[{ epoch, offset: offset - 1 }])];',
    specs: 'behaviour/crash',
  },
  {
    name: 'decompress without a limit: lz4',
    file: 'records/compression.ts',
    replace: 'requireAtMost(maxBytes, lz4Size(bytes, maxBytes));',
    by: '',
    specs: 'compression',
  },
  {
    name: 'decompress without a limit: each block of a snappy stream may have all of it',
    file: 'records/compression.ts',
    replace: 'left -= block.length;',
    by: '',
    specs: 'compression',
  },
  {
    name: 'decompressed bytes do not count towards maxBytes',
    file: INTAKE,
    replace: 'held += buffer.decompressedBytes;',
    by: 'held += 0 * buffer.decompressedBytes;',
    specs: 'behaviour/compressed',
  },
  {
    name: 'a paused topic keeps its decompressed batches, and the others wait for ever',
    file: INTAKE,
    replace: 'for (const assignment of waiting) {',
    by: 'for (const assignment of waiting.slice(0, 0)) {',
    specs: 'behaviour/compressed',
  },
  {
    name: 'under memory pressure a partition decompresses its next batch before those that wait longer',
    file: INTAKE,
    replace: 'return this.hasRoomForBatch() && !this.hasLongerWaiting(assignment);',
    by: 'return this.hasRoomForBatch();',
    specs: 'behaviour/compressed',
  },
  {
    name: 'a failed commit counts as successful',
    file: 'commits/committer.ts',
    replace: 'if (!committed) throw new Error(`no response within ${TIMEOUT_MS} ms`);',
    by: '',
    specs: 'committer',
  },
  {
    name: 'a consumer counts as stuck while a transaction stays open on an idle topic',
    file: 'intake/read-ahead.ts',
    replace: 'assignment.lastStableOffset = batch.lastStableOffset;',
    by: 'assignment.lastStableOffset = batch.highWatermark;',
    specs: 'status/stuck-check',
  },
  {
    name: 'deleted records are skipped silently',
    file: LOG_PROBLEMS,
    replace: "onDeletedRecords === 'skip'",
    by: 'onDeletedRecords !== undefined',
    specs: 'behaviour/deleted',
  },
];
