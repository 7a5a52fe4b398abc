import type { Mutant } from './mutant.js';

const RUNNER = 'attempts/task-runner.ts';
const FAILURES = 'attempts/record-failures.ts';
const PUBLISHER = 'attempts/dead-letter-publisher.ts';

/** Mutants of attempts, failures and dead letters. */
export const ATTEMPT_MUTANTS: readonly Mutant[] = [
  {
    name: 'commit before completion: a record completes when it starts',
    file: RUNNER,
    replace: 'this.attempts.add(attempt);',
    by: 'this.attempts.add(attempt); task.assignment.tracker.complete(task.record.offset);',
  },
  {
    name: 'ignore the epoch: a failed record is retried after its partition was revoked',
    file: RUNNER,
    replace: 'if (task.assignment.revoked) {',
    by: 'if (task.assignment.revoked && isProbe) {',
    specs: 'behaviour/time-limit',
  },
  {
    name: 'skip on error: a failed record completes',
    file: RUNNER,
    replace: 'this.failures.record(task, failure.error, failure.isLast || isProbe);',
    by: 'this.completion.complete(task);',
  },
  {
    name: 'order: a key is released while its record waits for a retry',
    file: FAILURES,
    replace: '    counts.retries += 1;\n    scheduler.postponed(task);',
    by: `    counts.retries += 1;
    scheduler.postponed(task);
    const behind = task.assignment.keys.leave(task);
    if (behind !== undefined) scheduler.ready.push(task.assignment.ready, behind);`,
  },
  {
    name: 'an unpublished dead letter counts as published',
    file: PUBLISHER,
    replace: 'this.waiting.unshift(...batch);',
    by: 'for (const { ended } of batch) ended(true);',
  },
  {
    name: 'a poison record is retried instead of dead-lettered',
    file: FAILURES,
    replace: "return kind === 'poison' || (",
    by: 'return (',
    specs: 'behaviour/delivery',
  },
  {
    name: 'the report of a drain hides the dead letters',
    file: 'membership/drain.ts',
    replace: 'deadLettered - before.deadLettered',
    by: '0',
    specs: 'behaviour/stop',
  },
  {
    name: 'an abandoned attempt completes its record late',
    file: 'attempts/running-attempts.ts',
    replace: 'if (attempt.settled) return false;',
    by: '',
    specs: 'behaviour/time-limit',
  },
  {
    name: 'attempts have no time limit',
    file: RUNNER,
    replace:
      'if (attempt.isAborted && age >= attemptTimeoutMs + attemptGraceMs) this.abandon(attempt, age);\n      else ',
    by: '',
    specs: 'behaviour/time-limit',
  },
  {
    name: 'the failures of one batch count as a storm of poison',
    file: 'attempts/turn-outcomes.ts',
    replace: 'passHandled(Math.floor((handledCount * (index + 1)) / failures.length));',
    by: '',
    specs: 'behaviour/poison',
  },
  {
    name: 'dead letters are published one per request',
    file: PUBLISHER,
    replace: 'const MAX_LETTERS = 1_000;',
    by: 'const MAX_LETTERS = 1;',
    specs: 'behaviour/poison',
  },
  {
    name: 'a dead letter that is too large even without its value is retried forever',
    file: PUBLISHER,
    replace: 'only.letter = smaller;',
    by: 'void smaller;',
    specs: 'behaviour/poison',
  },
  {
    name: 'a dead-letter topic with too few partitions is accepted at the start',
    file: 'intake/topic-error.ts',
    replace: 'deadLetter.partitions < mostPartitions(topics)',
    by: 'deadLetter.partitions < 0',
    specs: 'behaviour/topics',
  },
  {
    name: 'the dead-letter topic is compared with the smallest source topic',
    file: 'intake/topic-error.ts',
    replace: 'return Math.max(0, ...topics',
    by: 'return Math.min(...topics',
    specs: 'behaviour/several-topics',
  },
  {
    name: 'a member is assigned partitions of topics that it does not read',
    file: 'kafka/sticky-assigner.ts',
    replace: 'if (isUniform)',
    by: 'if (isUniform || claims.length > 0)',
    specs: 'kafka/sticky-assigner',
  },
  {
    name: 'a fetched partition is matched by its number only',
    file: 'kafka/fetcher.ts',
    replace: 'logId === fetched.topicId && partition === fetched.partition',
    by: "logId !== '' && partition === fetched.partition",
    specs: 'kafka/fetcher',
  },
  {
    name: 'the consumer stays ready while dead letters can not be published',
    file: 'status/engine-status.ts',
    replace: "if (failure !== undefined) return describeFailure('dead",
    by: "if (failure === null) return describeFailure('dead",
    specs: 'behaviour/topics',
  },
  {
    name: 'a topic that is deleted later is not noticed',
    file: 'intake/topic-watch.ts',
    replace: '      this.error = error;\n',
    by: '',
    specs: 'behaviour/topics',
  },
];
