import type { Mutant } from './mutant.js';

const RUNNER = 'attempts/task-runner.ts';
const FAILURES = 'attempts/record-failures.ts';
const SUSPENSION = 'attempts/suspension.ts';
const CIRCUIT_BREAKER = 'attempts/circuit-breaker.ts';

/** Mutants of outages: suspensions, probes, and attempts that hang. */
export const OUTAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'the failure of an attempt that a revocation aborted suspends the consumer',
    file: RUNNER,
    replace: 'if (task.assignment.revoked) {',
    by: "if (task.assignment.revoked && failure.kind !== 'environment') {",
    specs: 'behaviour/outage',
  },
  {
    name: 'an environment failure counts as an attempt',
    file: RUNNER,
    replace: 'else this.failures.tryAgain(task);',
    by: 'else void ((task.failedAttempts += 1), this.failures.tryAgain(task));',
    specs: 'behaviour/window',
  },
  {
    name: 'an unavailable environment does not pause the consumer',
    file: CIRCUIT_BREAKER,
    replace: "if (this.phase !== 'half-open') return false;",
    by: '',
    specs: 'circuit-breaker',
  },
  {
    name: 'no further probe after a probe without an outcome',
    file: CIRCUIT_BREAKER,
    replace: "if (this.phase === 'probing') this.phase = 'half-open';",
    by: '',
    specs: 'circuit-breaker',
  },
  {
    name: 'no further probe after one that failed by an error of another kind',
    file: SUSPENSION,
    replace: '    this.probeLater(attempt, error, kind);',
    by: "    if (kind === 'environment') this.probeLater(attempt, error, kind);",
    specs: 'behaviour/outage',
  },
  {
    name: 'no further probe after one that was withdrawn',
    file: RUNNER,
    replace: 'if (this.breaker.isProbe(sequence)) this.breaker.release();',
    by: '',
    specs: 'behaviour/window',
  },
  {
    name: 'no further probe after one of a revoked partition',
    file: RUNNER,
    replace: 'if (isProbe) this.breaker.release();',
    by: '',
    specs: 'behaviour/window',
  },
  {
    name: 'a probe that failed ends the suspension unless the environment is unavailable',
    file: SUSPENSION,
    replace: '    this.probeLater(attempt, error, kind);',
    by: "    if (kind !== 'environment' && this.succeeded(attempt.sequence)) return true;\n    this.probeLater(attempt, error, kind);",
    specs: 'behaviour/outage',
  },
  {
    name: 'a poison probe ends the suspension',
    file: SUSPENSION,
    replace: '    this.probeLater(attempt, error, kind);',
    by: "    if (kind === 'poison' && this.succeeded(attempt.sequence)) return true;\n    this.probeLater(attempt, error, kind);",
    specs: 'behaviour/outage',
  },
  {
    name: 'the failures of attempts count that began before an outage',
    file: SUSPENSION,
    replace: 'return this.breaker.isProbe(attempt.sequence) && this.probeFailed(failure);',
    by: "return !this.breaker.isProbe(attempt.sequence) ? kind !== 'environment' : this.probeFailed(failure);",
    specs: 'behaviour/outage',
  },
  {
    name: 'the failure of an attempt from before an outage suspends the consumer after it',
    file: CIRCUIT_BREAKER,
    replace: "    this.changedAt = this.sequence;\n    this.phase = 'closed';",
    by: "    this.changedAt = 0;\n    this.phase = 'closed';",
    specs: 'behaviour/outage',
  },
  {
    name: 'bad records that fail as probes fill the window',
    file: RUNNER,
    replace: "    else if (isProbe && failure.kind !== 'environment') this.failures.setAside(task);\n",
    by: '',
    specs: 'behaviour/outage',
  },
  {
    name: 'a record that failed as a probe does not run after the suspension',
    file: RUNNER,
    replace: 'if (this.suspension.succeeded(attempt.sequence)) this.failures.resumeAside();',
    by: 'this.suspension.succeeded(attempt.sequence);',
    specs: 'behaviour/outage',
  },
  {
    name: 'the only record is probed once',
    file: RUNNER,
    replace: '      this.failures.resumeAside();\n      this.pump();',
    by: '',
    specs: 'behaviour/outage',
  },
  {
    name: 'a suspension has no bound',
    file: SUSPENSION,
    replace: ' || clock.now() - this.startedAt >= suspensionDeadLetterMs',
    by: '',
    specs: 'behaviour/outage',
  },
  {
    name: 'an outage during a storm of poison dead-letters good records',
    file: SUSPENSION,
    replace: "if (kind === 'environment') this.storm = false;",
    by: '',
    specs: 'behaviour/poison',
  },
  {
    name: 'the partitions of several topics count as one',
    file: SUSPENSION,
    replace: 'partitionName(attempt.task.record)',
    by: 'String(attempt.task.record.partition)',
    specs: 'behaviour/poison',
  },
  {
    name: 'abandoned attempts bypass the classifier',
    file: RUNNER,
    replace: 'const kind = this.classify(error);',
    by: "const kind = outcome === 'abandoned' ? 'retriable' : this.classify(error);",
    specs: 'behaviour/outage',
  },
  {
    name: 'abandoned attempts bypass the breaker for poison',
    file: RUNNER,
    replace: 'if (failure.isLast) this.turnOutcomes.failed(failure);',
    by: `if (outcome === 'abandoned' && failure.isLast) this.failures.record(attempt.task, error, true);
    else if (failure.isLast) this.turnOutcomes.failed(failure);`,
    specs: 'behaviour/poison',
  },
  {
    name: 'a hanging dependency is the fault of the records',
    file: 'failures/failure.ts',
    replace: "  'attempt-abandoned',\n",
    by: '',
    specs: 'behaviour/outage',
  },
  {
    name: 'a handler that ends at its time limit is the fault of the record',
    file: 'failures/failure.ts',
    replace: "  'attempt-timeout',\n",
    by: '',
    specs: 'behaviour/outage',
  },
  {
    name: 'abandoned attempts that never end pile up without a bound',
    file: 'window/scheduler.ts',
    replace: 'if (this.abandonedCount <= inFlight) return',
    by: 'if (this.abandonedCount >= 0) return',
    specs: 'behaviour/outage',
  },
  {
    name: 'an abandoned attempt keeps its place after it has ended',
    file: 'attempts/running-attempts.ts',
    replace: 'if (this.late.delete(attempt)) this.abandoned -= 1;',
    by: 'this.late.delete(attempt);',
    specs: 'behaviour/outage',
  },
  {
    name: 'timers of retries outlive a stop',
    file: 'parallel-consumer.ts',
    replace: '    this.runner.stop();\n',
    by: '',
    specs: 'behaviour/stop',
  },
  {
    name: 'a probe that was delayed by the in-flight limit never runs',
    file: FAILURES,
    replace:
      '    // A probe may be due: after the in-flight limit was lowered, it may have found no room until this attempt ended.\n    pump();',
    by: '',
    specs: 'behaviour/window',
  },
  {
    name: 'a storm of poison floods the dead letters',
    file: SUSPENSION,
    replace: '!this.poison.poison(partitionName(attempt.task.record))',
    by: 'attempt.sequence > 0',
    specs: 'behaviour/poison',
  },
];
