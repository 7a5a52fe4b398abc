import type { Mutant } from './mutant.js';

const RETRY_TOPICS = 'handlers/retry-topics.ts';

/** Mutants of retry topics and their delays. */
export const RETRY_TOPIC_MUTANTS: readonly Mutant[] = [
  {
    name: 'a record in a retry topic is tried at once',
    file: 'broker/delayed-broker.ts',
    replace: 'if (!(await this.isDue(batch, signal))) return undefined;',
    by: 'if (signal.aborted) return undefined;',
    specs: 'delayed-broker',
  },
  {
    name: 'all records of a fetch are due with its first one',
    file: 'broker/delayed-batch.ts',
    replace: ' && this.dueAt <= now) {',
    by: ' && this.fetchedAt <= now) {',
    specs: 'delayed-broker',
  },
  {
    name: 'a delayed read goes on after its partition was revoked',
    file: 'broker/delayed-broker.ts',
    replace: '      ownership.abort();\n',
    by: '',
    specs: 'delayed-broker',
  },
  {
    name: 'a fetch is kept for the next time that this member owns the partition',
    file: 'broker/delayed-broker.ts',
    replace: '      this.held.delete(name);\n      ownership',
    by: '      ownership',
    specs: 'delayed-broker',
  },
  {
    name: 'the records of a fetch that are not due are skipped',
    file: 'broker/delayed-batch.ts',
    replace: "'record' in next ? next.record.offset - 1 : this.batch.lastOffset",
    by: 'this.batch.lastOffset',
    specs: 'retry-topics|delayed-broker',
  },
  {
    name: 'a record is completed before its retry topic has it',
    file: RETRY_TOPICS,
    replace: 'send: async (topic, records) => broker.publish(topic, records)',
    by: 'send: async (topic, records) => void broker.publish(topic, records).catch(() => undefined)',
    specs: 'retry-topics',
  },
  {
    name: 'an outage moves good records to a retry topic',
    file: RETRY_TOPICS,
    replace: ' && attempt.isDuringOutage !== true',
    by: '',
    specs: 'behaviour/retries',
  },
  {
    name: 'poison goes through all retry topics',
    file: RETRY_TOPICS,
    replace: " || classify(error) !== 'retriable') throw error;",
    by: ') throw error;',
    specs: 'retry-topics',
  },
  {
    name: 'a record goes to its retry topic at its first failure',
    file: RETRY_TOPICS,
    replace: 'attempt.number >= attempts && ',
    by: '',
    specs: 'retry-topics',
  },
  {
    name: 'a dead letter names the last retry topic as its origin',
    file: RETRY_TOPICS,
    replace: ', ...Object.fromEntries(origin) } };',
    by: ' } };',
    specs: 'retry-topics',
  },
  {
    name: 'a record goes to a partition that its retry topic lacks',
    file: RETRY_TOPICS,
    replace: 'return partition % count;',
    by: 'return partition;',
    specs: 'retry-topics',
  },
];
