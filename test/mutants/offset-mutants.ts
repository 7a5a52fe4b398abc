import type { Mutant } from './mutant.js';

const FRONTIER = 'offsets/offset-tracker.ts';
const MAP = 'offsets/completed-offsets.ts';
const LOG_PROBLEMS = 'offsets/log-problems.ts';
const INTAKE = 'window/intake.ts';
const CONSUMER = 'parallel-consumer.ts';

/** Of what is taken, committed and read back. */
export const OFFSET_MUTANTS: readonly Mutant[] = [
  {
    name: 'commit before completion: the oldest unfinished record counts as done',
    file: FRONTIER,
    replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
    by: 'const { oldest } = this.unfinished; return oldest === undefined ? this.nextOffset : oldest.offset + 1;',
  },
  {
    name: 'commit past all that was taken',
    file: FRONTIER,
    replace: 'return this.unfinished.oldest?.offset ?? this.nextOffset;',
    by: 'return this.nextOffset;',
  },
  {
    name: 'ignore the epoch: a partition that went is kept',
    file: CONSUMER,
    replace: 'this.revoke((name) => !kept || !wanted.has(name))',
    by: 'this.revoke(() => false)',
  },
  {
    name: 'ignore the epoch: the work of a membership that was lost goes on',
    file: CONSUMER,
    replace: 'this.revoke((name) => !kept || !wanted.has(name))',
    by: 'this.revoke((name) => !wanted.has(name))',
    specs: 'parallel-consumer-crash',
  },
  {
    name: 'ignore the epoch: a partition is kept across a generation that was missed',
    file: 'kafka/group-member.ts',
    replace: 'const kept = synced.memberId === memberId && synced.generationId + 1 === generationId;',
    by: 'const kept = synced.memberId === memberId;',
    specs: 'group-member',
  },
  {
    name: 'drop a gap: markers behind the last record are not passed',
    file: INTAKE,
    replace: 'tracker.skipTo(lastOffset + 1);',
    by: '',
  },
  {
    name: 'skip what was not read: the next fetch begins one too far on',
    file: INTAKE,
    replace: 'assignment.nextRead = batch.lastOffset + 1;',
    by: 'assignment.nextRead = batch.lastOffset + 2;',
  },
  {
    name: 'skip what was not read: a record that finds no room is dropped',
    file: INTAKE,
    replace: 'if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) continue;',
    by: `if (!this.membership.takes(assignment)) continue;
      if (!this.scheduler.hasShare(assignment)) {
        assignment.buffer.take();
        continue;
      }`,
  },
  {
    name: 'take twice: a fetch that is worked through is read again',
    file: INTAKE,
    replace: 'assignment.nextRead = batch.lastOffset + 1;',
    by: 'assignment.nextRead = batch.fetchOffset;',
  },
  {
    name: 'ignore a truncated log: reading goes on at its end',
    file: LOG_PROBLEMS,
    replace: "onTruncatedLog === 'reset'",
    by: 'onTruncatedLog !== undefined',
    specs: 'parallel-consumer-log',
  },
  {
    name: 'ignore a truncated log: unfinished records below its new end are not read again',
    file: LOG_PROBLEMS,
    replace: 'Math.min(tracker.committable, stopped.from)',
    by: 'stopped.from',
    specs: 'parallel-consumer-log',
  },
  {
    name: 'skip an unreadable batch: a read that was open behind it is taken',
    file: INTAKE,
    replace: ' || assignment.stopped !== undefined) break;',
    by: ') break;',
    specs: 'parallel-consumer-log',
  },
  {
    name: 'ignore a truncated log: the epoch of what was read is not checked',
    file: INTAKE,
    replace: 'leaderEpoch: epochs.at(offset - 1)',
    by: 'leaderEpoch: undefined',
    specs: 'parallel-consumer-log',
  },
  {
    name: 'ignore a topic that was created again: the commit does not say which log it is of',
    file: INTAKE,
    replace: 'logId: map?.logId ?? logId,',
    by: 'logId,',
    specs: 'parallel-consumer-log',
  },
  {
    name: 'deliver aborted records: only markers are hidden',
    file: 'records/aborted-transactions.ts',
    replace: 'return batch.isTransactional && this.producers.has(batch.producerId);',
    by: 'return false;',
    specs: 'fetched-records',
  },
  {
    name: 'deliver aborted records: the order in which the broker lists transactions is trusted',
    file: 'records/aborted-transactions.ts',
    replace: 'aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);',
    by: '[...aborted];',
    specs: 'fetched-records',
  },
  {
    name: 'hide committed records: an abort outlives its marker',
    file: 'records/aborted-transactions.ts',
    replace: 'this.producers.delete(batch.producerId);',
    by: '',
    specs: 'fetched-records',
  },
  {
    name: 'corrupt records are handed out: the CRC is not checked',
    file: 'records/record-batch.ts',
    replace: 'if (found !== expected)',
    by: 'if (false)',
    specs: 'fetched-records',
  },
  {
    name: 'the map claims one record too many',
    file: MAP,
    replace: 'pushVarint(bytes, to - from);',
    by: 'pushVarint(bytes, to - from + 1);',
  },
  {
    name: 'the map of another offset is believed',
    file: MAP,
    replace: 'numbers.shift() !== committed',
    by: 'numbers.shift() === undefined',
    specs: 'completed-offsets',
  },
  {
    name: 'the map is not read back',
    file: INTAKE,
    replace: 'if (tracker.wasFinishedBefore(record.offset)) {',
    by: 'if (false) {',
    specs: 'parallel-consumer-crash',
  },
  {
    name: 'the map is lost with the first commit after it was read',
    file: FRONTIER,
    replace: 'for (const range of this.finishedBefore)',
    by: 'for (const range of [])',
    specs: 'offset-tracker',
  },
  {
    name: 'a failed commit counts as one',
    file: 'offsets/committer.ts',
    replace: 'if (!committed) throw new Error(`no response within ${TIMEOUT_MS} ms`);',
    by: '',
    specs: 'committer',
  },
  {
    name: 'deleted records are passed without a word',
    file: LOG_PROBLEMS,
    replace: "onDeletedRecords === 'skip'",
    by: 'onDeletedRecords !== undefined',
    specs: 'parallel-consumer-deleted',
  },
];
