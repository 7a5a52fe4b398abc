import type { Mutant } from './mutant.js';

const FRONTIER = 'offsets/offset-frontier.ts';
const MAP = 'offsets/finished-map.ts';
const DELETED = 'offsets/deleted-records.ts';
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
    name: 'drop a gap: markers behind the last record are not passed',
    file: INTAKE,
    replace: 'if (left === undefined) frontier.skipTo(batch.lastOffset + 1);',
    by: '',
  },
  {
    name: 'drop a gap: fetches of markers alone are not passed',
    file: INTAKE,
    replace: 'if (assignment.begun && from <= assignment.frontier.next) assignment.frontier.skipTo(to);',
    by: '',
    specs: 'parallel-consumer-gaps',
  },
  {
    name: 'skip what was not read: markers beyond the next record are passed',
    file: INTAKE,
    replace: 'if (assignment.begun && from <= assignment.frontier.next) assignment.frontier.skipTo(to);',
    by: 'if (assignment.begun) assignment.frontier.skipTo(to);',
    specs: 'parallel-consumer-crash',
  },
  {
    name: 'skip what was not read: a fetch that begins too far on is taken',
    file: INTAKE,
    replace: 'if (batch.fetchOffset > frontier.next) return this.refused(batch, assignment);',
    by: '',
  },
  {
    name: 'skip what was not read: reading begins where the fetch does',
    file: INTAKE,
    replace: 'assignment.begin(start.from, ',
    by: 'assignment.begin(Math.max(start.from, batch.fetchOffset), ',
  },
  {
    name: 'skip what was not read: the remainder of a batch begins one too far on',
    file: INTAKE,
    replace: 'if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) return offset;',
    by: 'if (!this.membership.takes(assignment) || !this.scheduler.hasShare(assignment)) return offset + 1;',
  },
  {
    name: 'take twice: what a fetch repeats is taken again',
    file: INTAKE,
    replace: '      if (offset < frontier.next) continue;\n      if (frontier.was',
    by: '      if (frontier.was',
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
    specs: 'finished-map',
  },
  {
    name: 'the map is not read back',
    file: INTAKE,
    replace: 'if (frontier.wasFinishedBefore(offset)) {',
    by: 'if (false) {',
    specs: 'parallel-consumer-crash',
  },
  {
    name: 'the map is lost with the first commit after it was read',
    file: FRONTIER,
    replace: 'for (const range of this.finishedBefore)',
    by: 'for (const range of [])',
    specs: 'offset-frontier',
  },
  {
    name: 'a failed commit counts as one',
    file: 'offsets/committer.ts',
    replace: 'if (!committed) throw new Error(`no answer within ${PATIENCE_MS} ms`);',
    by: '',
    specs: 'committer',
  },
  {
    name: 'deleted records are passed without a word',
    file: DELETED,
    replace: "const skip = onDeletedRecords === 'skip' && earliest !== undefined;",
    by: 'const skip = earliest !== undefined;',
    specs: 'parallel-consumer-deleted',
  },
];
