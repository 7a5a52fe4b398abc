import type { MutatedSource } from './mutant.js';

const ENGINE = { name: 'engine', folder: 'libs/parallel-consumer/src' };

/** Mutants of what the engine does with one record. */
export const ENGINE_ATTEMPT_MUTANTS: readonly MutatedSource[] = [
  /** Mutants of attempts, failures and dead letters. */
  {
    ...ENGINE,
    specs: 'behaviour/model.property',
    mutants: {
      'commit before completion: a record completes when it starts': {
        file: 'attempts/task-runner.ts',
        replace: 'this.attempts.add(attempt);',
        by: 'this.attempts.add(attempt); task.assignment.tracker.complete(task.record.offset);',
      },
      'ignore the epoch: a failed record is retried after its partition was revoked': {
        file: 'attempts/task-runner.ts',
        replace: 'if (task.assignment.revoked) {',
        by: 'if (task.assignment.revoked && isProbe) {',
        specs: 'behaviour/time-limit',
      },
      'skip on error: a failed record completes': {
        file: 'attempts/task-runner.ts',
        replace: 'this.failures.handle(task, failure.error, failure.isLast || isProbe);',
        by: 'this.completion.complete(task);',
      },
      'order: a key is released while its record waits for a retry': {
        file: 'attempts/record-failures.ts',
        replace: '    counts.retries += 1;\n    scheduler.postponed(task);',
        by: `    counts.retries += 1;
    scheduler.postponed(task);
    const behind = task.assignment.keys.leave(task);
    if (behind !== undefined) scheduler.ready.push(task.assignment.ready, behind);`,
      },
      'an unpublished dead letter counts as published': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: 'this.waiting.unshift(...batch);',
        by: 'for (const { ended } of batch) ended(true);',
      },
      'an invalid record is retried instead of dead-lettered': {
        file: 'attempts/record-failures.ts',
        replace: "return kind === 'poison' || (",
        by: 'return (',
        specs: 'behaviour/delivery',
      },
      'the report of a drain hides the dead letters': {
        file: 'rebalance/drain.ts',
        replace: 'deadLettered - before.deadLettered',
        by: '0',
        specs: 'behaviour/stop',
      },
      'an abandoned attempt completes its record late': {
        file: 'attempts/running-attempts.ts',
        replace: 'if (attempt.settled) return false;',
        specs: 'behaviour/time-limit',
      },
      'attempts have no time limit': {
        file: 'attempts/task-runner.ts',
        replace:
          'if (attempt.isAborted && age >= attemptTimeoutMs + attemptGraceMs) this.abandon(attempt, age);\n      else ',
        specs: 'behaviour/time-limit',
      },
      'the failures of one batch count as a mass failure': {
        file: 'attempts/outcome-interleaver.ts',
        replace: 'passHandled(Math.floor((handledCount * (index + 1)) / failures.length));',
        specs: 'behaviour/poison',
      },
      'dead letters are published one per request': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: 'const MAX_LETTERS = 1_000;',
        by: 'const MAX_LETTERS = 1;',
        specs: 'behaviour/poison',
      },
      'a dead letter that is too large even without its value is retried forever': {
        file: 'attempts/dead-letter-publisher.ts',
        replace: 'only.letter = smaller;',
        by: 'void smaller;',
        specs: 'behaviour/poison',
      },
      'a dead-letter topic with too few partitions is accepted at the start': {
        file: 'topics/topic-error.ts',
        replace: 'deadLetter.partitions < mostPartitions(topics)',
        by: 'deadLetter.partitions < 0',
        specs: 'behaviour/topics',
      },
      'the dead-letter topic is compared with the smallest source topic': {
        file: 'topics/topic-error.ts',
        replace: 'return Math.max(0, ...topics',
        by: 'return Math.min(...topics',
        specs: 'behaviour/several-topics',
      },
      'a member is assigned partitions of topics that it does not read': {
        file: 'kafka/sticky-assignor.ts',
        replace: 'if (isUniform)',
        by: 'if (isUniform || claims.length > 0)',
        specs: 'kafka/sticky-assignor',
      },
      'a fetched partition is matched by its number only': {
        file: 'kafka/fetcher.ts',
        replace: 'logId === fetched.topicId && partition === fetched.partition',
        by: "logId !== '' && partition === fetched.partition",
        specs: 'kafka/fetcher',
      },
      'the consumer stays ready while dead letters can not be published': {
        file: 'status/engine-status.ts',
        replace: "if (failure !== undefined) return describeFailure('dead",
        by: "if (failure === null) return describeFailure('dead",
        specs: 'behaviour/topics',
      },
      'a topic that is deleted later is not noticed': {
        file: 'topics/topic-watch.ts',
        replace: '      this.error = error;\n',
        specs: 'behaviour/topics',
      },
    },
  },
  /** Mutants of outages: suspensions, probes, and attempts that hang. */
  {
    ...ENGINE,
    specs: 'behaviour/outage',
    mutants: {
      'the failure of an attempt that a revocation aborted suspends the consumer': {
        file: 'attempts/task-runner.ts',
        replace: 'if (task.assignment.revoked) {',
        by: "if (task.assignment.revoked && failure.kind !== 'environment') {",
      },
      'an `environment` failure counts as an attempt': {
        file: 'attempts/task-runner.ts',
        replace: 'else this.failures.tryAgain(task);',
        by: 'else void ((task.failedAttempts += 1), this.failures.tryAgain(task));',
        specs: 'behaviour/window',
      },
      'an unavailable dependency does not suspend the consumer': {
        file: 'attempts/circuit-breaker.ts',
        replace: "if (this.phase !== 'half-open') return false;",
        specs: 'circuit-breaker',
      },
      'no further probe after a probe without an outcome': {
        file: 'attempts/circuit-breaker.ts',
        replace: "if (this.phase === 'probing') this.phase = 'half-open';",
        specs: 'circuit-breaker',
      },
      'no further probe after one that failed by an error of another kind': {
        file: 'attempts/suspension.ts',
        replace: '    this.probeLater(attempt, error, kind);',
        by: "    if (kind === 'environment') this.probeLater(attempt, error, kind);",
      },
      'no further probe after one that was withdrawn': {
        file: 'attempts/task-runner.ts',
        replace: 'if (this.breaker.isProbe(sequence)) this.breaker.release();',
        specs: 'behaviour/window',
      },
      'no further probe after one of a revoked partition': {
        file: 'attempts/task-runner.ts',
        replace: 'if (isProbe) this.breaker.release();',
        specs: 'behaviour/window',
      },
      'a probe that failed ends the suspension unless a dependency is unavailable': {
        file: 'attempts/suspension.ts',
        replace: '    this.probeLater(attempt, error, kind);',
        by: "    if (kind !== 'environment' && this.succeeded(attempt.sequence)) return true;\n    this.probeLater(attempt, error, kind);",
      },
      'an invalid record as a probe ends the suspension': {
        file: 'attempts/suspension.ts',
        replace: '    this.probeLater(attempt, error, kind);',
        by: "    if (kind === 'poison' && this.succeeded(attempt.sequence)) return true;\n    this.probeLater(attempt, error, kind);",
      },
      'the failures of attempts count that began before an outage': {
        file: 'attempts/suspension.ts',
        replace: 'return this.breaker.isProbe(attempt.sequence) && this.probeFailed(failure);',
        by: "return !this.breaker.isProbe(attempt.sequence) ? kind !== 'environment' : this.probeFailed(failure);",
      },
      'the failure of an attempt from before an outage suspends the consumer after it': {
        file: 'attempts/circuit-breaker.ts',
        replace: "    this.changedAt = this.sequence;\n    this.phase = 'closed';",
        by: "    this.changedAt = 0;\n    this.phase = 'closed';",
      },
      'bad records that fail as probes fill the window': {
        file: 'attempts/task-runner.ts',
        replace: "    else if (isProbe && failure.kind !== 'environment') this.failures.setAside(task);\n",
      },
      'a record that failed as a probe does not run after the suspension': {
        file: 'attempts/task-runner.ts',
        replace: 'if (this.suspension.succeeded(attempt.sequence)) this.failures.resumeAside();',
        by: 'this.suspension.succeeded(attempt.sequence);',
      },
      'the only record is probed once': {
        file: 'attempts/task-runner.ts',
        replace: '      this.failures.resumeAside();\n      this.pump();',
      },
      'a suspension has no bound': {
        file: 'attempts/suspension.ts',
        replace: ' || clock.now() - this.startedAt >= suspensionDeadLetterMs',
      },
      'an outage during a mass failure dead-letters valid records': {
        file: 'attempts/suspension.ts',
        replace: "if (kind === 'environment') this.isMassFailure = false;",
        specs: 'behaviour/poison',
      },
      'the partitions of several topics count as one': {
        file: 'attempts/suspension.ts',
        replace: 'partitionName(attempt.task.record)',
        by: 'String(attempt.task.record.partition)',
        specs: 'behaviour/poison',
      },
      'abandoned attempts bypass the classifier': {
        file: 'attempts/task-runner.ts',
        replace: 'const kind = this.classify(error);',
        by: "const kind = outcome === 'abandoned' ? 'retriable' : this.classify(error);",
      },
      'abandoned attempts bypass the detection of mass failures': {
        file: 'attempts/task-runner.ts',
        replace: 'if (failure.isLast) this.outcomes.failed(failure);',
        by: `if (outcome === 'abandoned' && failure.isLast) this.failures.handle(attempt.task, error, true);
    else if (failure.isLast) this.outcomes.failed(failure);`,
        specs: 'behaviour/poison',
      },
      'a hanging dependency is the fault of the records': {
        file: 'failures/failure.ts',
        replace: "  'attempt-abandoned',\n",
      },
      'a handler that ends at its time limit is the fault of the record': {
        file: 'failures/failure.ts',
        replace: "  'attempt-timeout',\n",
      },
      'abandoned attempts that never end pile up without a bound': {
        file: 'window/scheduler.ts',
        replace: 'if (this.abandonedCount <= inFlight) return',
        by: 'if (this.abandonedCount >= 0) return',
      },
      'an abandoned attempt keeps its place after it has ended': {
        file: 'attempts/running-attempts.ts',
        replace: 'if (this.late.delete(attempt)) this.abandoned -= 1;',
        by: 'this.late.delete(attempt);',
      },
      'timers of retries outlive a stop': {
        file: 'parallel-consumer.ts',
        replace: '    this.runner.stop();\n',
        specs: 'behaviour/stop',
      },
      'a probe that was delayed by the in-flight limit never runs': {
        file: 'attempts/record-failures.ts',
        replace:
          '    // A probe may be due: after the in-flight limit was lowered, it may have found no room until this attempt ended.\n    pump();',
        specs: 'behaviour/window',
      },
      'a mass failure floods the dead letters': {
        file: 'attempts/suspension.ts',
        replace: '!this.massFailure.failed(partitionName(attempt.task.record))',
        by: 'attempt.sequence > 0',
        specs: 'behaviour/poison',
      },
    },
  },
  /** Mutants of batches, and of attempts that join one. */
  {
    ...ENGINE,
    specs: 'handlers/batch-handler',
    mutants: {
      'the result of a record counts although an earlier one of its key in the batch has failed': {
        file: 'attempts/joined-attempts.ts',
        replace: 'this.endUntried(joined.slice(done + 1));',
        by: 'for (const each of joined.slice(done + 1)) if (each.hasSucceeded) this.ends.succeeded(each);',
        specs: 'behaviour/model.property',
      },
      'the results of a batch count although the first record of the key has failed': {
        file: 'attempts/joined-attempts.ts',
        replace: 'if (joined !== undefined) this.endUntried(joined);',
        by: 'for (const each of joined ?? []) if (each.hasSucceeded) this.ends.succeeded(each);',
        specs: 'behaviour/model.property',
      },
      'a record that was not tried in a batch never runs': {
        file: 'attempts/joined-attempts.ts',
        replace: 'this.endUntried([failed], true)',
        by: 'this.endUntried([failed])',
        specs: 'behaviour/taken-records',
      },
      'a suspended consumer probes with a batch': {
        file: 'attempts/joined-attempts.ts',
        replace: 'first.settled || this.breaker.active',
        by: 'first.settled',
      },
      'a batcher that rests writes at once': {
        file: 'handlers/batch-queue.ts',
        replace: 'if (now >= this.restsUntil()) return true;',
        by: 'return true;',
        specs: 'handlers/batcher',
      },
      'a batcher forgets the rest that it still owes': {
        file: 'handlers/batch-queue.ts',
        replace: 'Math.max(this.restedAt, this.busySince)',
        by: 'this.busySince',
        specs: 'handlers/batcher',
      },
      'a batcher waits although nothing arrives any more': {
        file: 'handlers/batch-queue.ts',
        replace: 'this.waiting.length - this.sizeBefore < this.waiting.length * LEAST_GROWTH',
        by: 'this.waiting.length < this.sizeBefore',
        specs: 'handlers/batcher',
      },
      'a batcher exceeds the longest wait': {
        file: 'handlers/batch-queue.ts',
        replace: 'if (now >= this.waitingSince + this.options.maxBatchWaitMs) return true;',
        specs: 'handlers/batcher',
      },
      'a record taken behind another is reported after it': {
        file: 'handlers/batch-handler.ts',
        replace: 'reportIf(isTaken, items, results);\n        reportIf(isFirst, items, results);',
        by: 'reportIf(isFirst, items, results);\n        reportIf(isTaken, items, results);',
      },
      'a result that is no error fails its record': {
        file: 'handlers/batch-handler.ts',
        replace: 'if (wrongAt !== -1) throw new BatchResultsError(items, given, wrongAt);',
        by: 'void wrongAt;',
      },
      'a batch without usable results is the fault of its records': {
        file: 'failures/failure.ts',
        replace: "  'batch-results',\n",
      },
      'a batch that throws without an error counts as handled': {
        file: 'attempts/reporting-handler.ts',
        replace: "(thrown ?? new Error('the attempt failed without an error')) as Error",
        by: 'thrown as Error',
        specs: 'attempts/reporting-handler',
      },
      'a handler that throws when it is started leaves its record in flight': {
        file: 'attempts/task-runner.ts',
        replace: 'queueMicrotask(() => this.failed(attempt, error));',
        by: 'void error;',
        specs: 'attempts/reporting-handler',
      },
      'a batch with several records of a key takes all keys, and leaves none for another batch': {
        file: 'handlers/same-key-batches.ts',
        replace: 'return Math.ceil(this.maxBatchSize / this.perKey);',
        by: 'return this.maxBatchSize;',
      },
      'a batch that probably is full waits for the rest of the writer': {
        file: 'handlers/batch-queue.ts',
        replace: 'if (this.waiting.length === this.sizeNow()) this.cancel();',
        specs: 'handlers/batch-queue',
      },
      'a batch takes a single busy key for many': {
        file: 'handlers/same-key-batches.ts',
        replace: 'Math.min(1 + taken / keys, MAX_GROWTH * this.perKey)',
        by: '1 + taken / keys',
        specs: 'handlers/same-key-batches',
      },
      'a batch counts the keys that it had no room for': {
        file: 'handlers/same-key-batches.ts',
        replace: 'if (room > 0) keys += 1;',
        by: 'keys += 1;',
        specs: 'handlers/same-key-batches',
      },
      'records that end are replaced once only': {
        file: 'buffering/window-filler.ts',
        replace: '      this.isPullDue = false;\n',
        specs: 'behaviour/window',
      },
      'an attempt that ends while it is started starts the next one inside of it': {
        file: 'attempts/task-runner.ts',
        replace: 'if (this.isPumping) return;',
        specs: 'attempts/reporting-handler',
      },
    },
  },
];
