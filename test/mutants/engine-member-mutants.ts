import type { MutatedSource } from './mutant.js';

const ENGINE = { name: 'engine', folder: 'libs/parallel-consumer/src' };

/** Mutants of a member of a group, and of what it has in flight. */
export const ENGINE_MEMBER_MUTANTS: readonly MutatedSource[] = [
  /** Mutants of the scheduler, the order per key, drains and the partition assignment. */
  {
    ...ENGINE,
    specs: 'behaviour/model.property',
    mutants: {
      'a record that runs in a batch with the one before starts again when that one is done': {
        file: 'window/scheduler.ts',
        replace: 'if (behind === undefined || behind.isJoined) return;',
        by: 'if (behind === undefined) return;',
      },
      'a revocation hands over records that run in a batch': {
        file: 'window/scheduler.ts',
        replace: '.filter(({ isJoined }) => !isJoined)',
      },
      'paused records start when one before them ends': {
        file: 'window/scheduler.ts',
        replace: 'if (!this.isPaused(task)) {',
        by: 'if (!this.isPaused(task) || this.runningCount > 0) {',
        specs: 'behaviour/pause',
      },
      'a batch takes paused records of its key along': {
        file: 'window/scheduler.ts',
        replace: ' || this.isPaused(next)) return undefined;',
        by: ') return undefined;',
        specs: 'behaviour/pause',
      },
      'paused records of a revoked partition stay in memory': {
        file: 'window/scheduler.ts',
        replace: '      ...paused,\n',
        specs: 'behaviour/pause',
      },
      'records of a paused topic are taken': {
        file: 'window/scheduler.ts',
        replace: ' && !this.pauses.hasTopic(assignment.topic) && this.hasShare(assignment);',
        by: ' && this.hasShare(assignment);',
        specs: 'behaviour/pause',
      },
      'a paused record is stalled': {
        file: 'attempts/watchdog.ts',
        replace: 'if (this.scheduler.isPaused(oldest))',
        by: 'if (this.scheduler.isPaused(oldest) && now < 0)',
        specs: 'behaviour/pause',
      },
      'a resumed key stays paused': {
        file: 'window/scheduler.ts',
        replace: 'if (this.isPaused(task)) continue;\n      this.pausedTasks',
        by: 'if (this.isPaused(task) || this.pausedTasks.size === 1) continue;\n      this.pausedTasks',
        specs: 'behaviour/pause',
      },
      'order: a second record of a key does not wait': {
        file: 'window/scheduler.ts',
        replace: "if (task.order === 'nothing' || assignment.keys.enter(task, key))",
        by: 'if (assignment.keys.enter(task, key) || true)',
      },
      'no in-flight limit': {
        file: 'window/scheduler.ts',
        replace: 'return this.ready.size > 0 && !this.isLimitReached;',
        by: 'return this.ready.size > 0;',
      },
      'no limit of buffered records': {
        file: 'window/scheduler.ts',
        replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
      },
      'no limit of buffered bytes': {
        file: 'window/scheduler.ts',
        replace: 'takenBytes < SHARE_OF_FREE * (maxBytes - this.takenBytes)',
        by: 'true',
      },
      'unfair shares: one partition may fill the buffer': {
        file: 'window/scheduler.ts',
        replace: 'taken < SHARE_OF_FREE * (maxBuffered - this.takenCount) &&',
        by: 'this.takenCount < maxBuffered &&',
        specs: 'behaviour/starvation',
      },
      'unfair turns: the longest lane goes first': {
        file: 'structures/fair-queue.ts',
        replace: 'if (lane.size > 0) this.turns.push(lane);',
        by: 'if (lane.size > 0) this.turns.items.splice(this.turns.head, 0, lane);',
        specs: 'scheduler',
      },
      'a hand-over does not release its records': {
        file: 'window/scheduler.ts',
        replace: '    for (const task of dropped) this.releaseToNextOwner(task);\n',
      },
      'a record that waits for a retry is kept after its partition was revoked': {
        file: 'window/scheduler.ts',
        replace: 'if (task.assignment.revoked) this.releaseToNextOwner(task);\n    else ',
      },
      'a drain starts new handlers': {
        file: 'rebalance/drain.ts',
        replace: '    runner.setDraining(true);\n',
        specs: 'behaviour/delivery',
      },
      'a drain does not wait for running handlers': {
        file: 'rebalance/drain.ts',
        replace: 'await this.until(() => scheduler.running === 0);',
        specs: 'behaviour/delivery',
      },
      'a drain does not commit': {
        file: 'rebalance/drain.ts',
        replace: '    await committer.commit();\n',
        specs: 'behaviour/delivery',
      },
      'a rebalance does not wait for a stop that drains': {
        file: 'rebalance/rebalance-handler.ts',
        replace: 'if (assignments.size === 0) return;\n    if (isLeaving()) return drain.current;',
        by: 'if (assignments.size === 0 || isLeaving()) return;',
        specs: 'behaviour/stop',
      },
      'a stale claim of a partition wins over a newer one': {
        file: 'kafka/balance-partitions.ts',
        replace: 'b.claimedGeneration - a.claimedGeneration',
        by: 'a.claimedGeneration - b.claimedGeneration',
        specs: 'balance-partitions',
      },
    },
  },
  /** Mutants of cooperative rebalancing. */
  {
    ...ENGINE,
    specs: 'cooperative',
    mutants: {
      'a partition goes to its new owner before the old one has surrendered it': {
        file: 'kafka/sticky-assignor.ts',
        replace: '(owners.get(name) ?? memberId) === memberId;',
        by: 'owners.has(name) || memberId.length > 0;',
        specs: 'sticky-assignor',
      },
      'the owner of a partition is the member with the oldest claim': {
        file: 'kafka/sticky-assignor.ts',
        replace: '(a, b) => a.claimedGeneration - b.claimedGeneration',
        by: '(a, b) => b.claimedGeneration - a.claimedGeneration',
        specs: 'sticky-assignor',
      },
      'partitions that leave are dropped with the assignment': {
        file: 'kafka/owned-partitions.ts',
        replace: 'return [...assigned, ...this.leaving];',
        by: 'return assigned;',
        specs: 'owned-partitions',
      },
      'partitions stay with a member that missed a generation': {
        file: 'kafka/owned-partitions.ts',
        replace: "this.rebalancing === 'cooperative' && kept ?",
        by: "this.rebalancing === 'cooperative' ?",
        specs: 'owned-partitions',
      },
      'a member does not join again after it has surrendered partitions': {
        file: 'kafka/group-member.ts',
        replace: 'if (await surrendered) this.isRejoinDue = true;',
        by: 'await surrendered;',
        specs: 'cooperative-member',
      },
      'new attempts begin in a partition that leaves': {
        file: 'window/scheduler.ts',
        replace: 'return assignment.isLeaving || this.pauses.has(record);',
        by: 'return this.pauses.has(record);',
      },
      'a partition is surrendered while its records are in the handler': {
        file: 'rebalance/drain.ts',
        replace: 'leaving.every(({ isIdle, revoked }) => isIdle || revoked)',
        by: 'leaving.length > 0',
      },
      'a partition is surrendered without a commit': {
        file: 'rebalance/drain.ts',
        replace: '=> isIdle || revoked));\n    await this.parts.committer.commit();',
        by: '=> isIdle || revoked));',
      },
      'a partition is surrendered while records of the log before are in the handler': {
        file: 'partition/assignment-and-tasks.ts',
        replace: 'this.running === 0 && (this.before?.isIdle ?? true)',
        by: 'this.running === 0',
        specs: 'cooperative.spec',
      },
      'a member of a cooperative group drops partitions after it missed an assignment, and their claim keeps them from others':
        {
          file: 'kafka/group-member.ts',
          replace: 'this.isCooperative || synced',
          by: 'synced',
          specs: 'cooperative-member',
        },
      'a stop during a cooperative rebalance loses the commit of its partitions': {
        file: 'parallel-consumer.ts',
        replace: 'if (this.committer.hasUncommitted) {',
        by: 'if (this.committer.hasUncommitted && false) {',
        specs: 'cooperative.spec',
      },
    },
  },
  /** Mutants of the lease of a member, and of what may begin under it. Without `specs`, the model must notice them. */
  {
    ...ENGINE,
    specs: 'kafka/lease',
    mutants: {
      'a member without contact goes on until a broker answers': {
        file: 'kafka/group-member.ts',
        replace: 'if (this.lease.hasExpired) this.expire();\n      else if',
        by: 'if',
      },
      'a member without contact starts what is buffered': {
        file: 'attempts/task-runner.ts',
        replace: 'now >= this.broker.startsUntil || !this.breaker.tryAcquire()',
        by: '!this.breaker.tryAcquire()',
        specs: 'behaviour/delivery',
      },
      'a member without contact takes records': {
        file: 'parallel-consumer.ts',
        replace: 'isInContact: () => this.options.clock.now() < broker.startsUntil,',
        by: 'isInContact: () => true,',
        specs: 'behaviour/delivery',
      },
      'the next record of a key starts without contact': {
        file: 'attempts/joined-attempts.ts',
        replace: 'if (now >= this.broker.startsUntil) return undefined;',
        specs: 'behaviour/late-starts',
      },
      'a batch handles records of a revoked partition': {
        file: 'attempts/running-attempt.ts',
        replace: '!this.settled && this.reason === undefined && this.owner.mayStart();',
        by: 'this.owner.mayStart();',
        specs: 'behaviour/late-starts',
      },
      'a batch handles records without contact': {
        file: 'attempts/running-attempt.ts',
        replace: '!this.settled && this.reason === undefined && this.owner.mayStart();',
        by: '!this.settled && this.reason === undefined;',
        specs: 'behaviour/late-starts',
      },
      'a withdrawn record counts as a failed attempt': {
        file: 'attempts/task-runner.ts',
        replace: 'if (isWithdrawn) return this.withdrawn(attempt);',
        specs: 'behaviour/late-starts',
      },
      'a current attempt can be withdrawn for ever': {
        file: 'attempts/task-runner.ts',
        replace: 'error instanceof AttemptWithdrawnError && attempt.mayBeWithdrawn;',
        by: 'error instanceof AttemptWithdrawnError;',
        specs: 'behaviour/late-starts',
      },
      'what waited for contact is not started when it is back': {
        file: 'parallel-consumer.ts',
        replace: 'this.runner.pump();\n      this.filler.pull();\n      inFlightLog',
        by: 'this.filler.pull();\n      inFlightLog',
        specs: 'behaviour/delivery',
      },
      'outputs are produced without contact': {
        file: 'handlers/produce-handler.ts',
        replace: 'items.filter(({ attempt }) => attempt.isCurrent)',
        by: 'items',
        specs: 'behaviour/late-starts',
      },
      'a rate-limited record is handled without contact': {
        file: 'handlers/rate-limited.ts',
        replace: 'if (!attempt.isCurrent) throw new AttemptWithdrawnError();',
        specs: 'behaviour/late-starts',
      },
      'the lease counts from the answer of a heartbeat': {
        file: 'kafka/group-member.ts',
        replace: 'this.lease.confirm(sentAt);',
        by: 'this.lease.confirm(clock.now());',
      },
      'the lease begins with the answer of the SyncGroup': {
        file: 'kafka/group-member.ts',
        replace: 'this.lease.begin(sentAt);',
        by: 'this.lease.begin(this.options.clock.now() + 0 * sentAt);',
      },
      'an old generation renews the lease': {
        file: 'kafka/group-member.ts',
        replace: 'if (ignored !== undefined && isKafkaError(error, ignored)) return true;',
        by: 'if (ignored !== undefined && isKafkaError(error, ignored)) { this.lease.confirm(sentAt); return true; }',
      },
      'a member loses contact while partitions of others drain': {
        file: 'kafka/group-member.ts',
        replace: 'this.lease.renewForRebalance(sentAt);',
      },
      'the lease outlives the rebalance timeout': {
        file: 'kafka/lease.ts',
        replace: "this.awaited === 'nothing' ? sessionEndsAt",
        by: 'this.awaited.length > 0 ? sessionEndsAt',
      },
      'the lease has no margin': {
        file: 'kafka/lease.ts',
        replace: ' - Math.max(LEAST_MARGIN_MS, MARGIN * sessionTimeoutMs);',
        by: ';',
      },
      'an answer after the lease revives it': {
        file: 'kafka/group-member.ts',
        replace: 'if (this.lease.hasExpired && !this.isLeaving) this.expire();',
      },
      'a member ignores its own eviction during a join': {
        file: 'kafka/group-member.ts',
        replace: "if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) throw error;",
        by: "if (isKafkaError(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION') && ignored === undefined) throw error;",
      },
      'a join waits for a coordinator that has moved': {
        file: 'kafka/group-member.ts',
        replace: 'if (joinNode !== undefined && heartbeatNode !== undefined && joinNode !== heartbeatNode)',
        by: 'if (joinNode !== undefined && heartbeatNode !== undefined && joinNode < 0)',
      },
      'an eager member starts what is queued after its JoinGroup': {
        file: 'kafka/group-member.ts',
        replace: 'this.hasGivenUp = !this.isCooperative;',
      },
      'the answer to a join that was given up counts': {
        file: 'kafka/group-member.ts',
        replace: "if (this.pendingJoin !== pending) throw new Error('the join was given up');",
      },
      'a member sends no heartbeats while its joins end at once': {
        file: 'kafka/group-member.ts',
        replace: 'await this.heartbeatIfDue(signal);',
      },
      'a record that was taken along and withdrawn counts as failed': {
        file: 'attempts/joined-attempts.ts',
        replace: 'failed.error === undefined || failed.error instanceof AttemptWithdrawnError',
        by: 'failed.error === undefined',
        specs: 'behaviour/late-starts',
      },
      'a heartbeat waits behind a join': {
        file: 'kafka/group-coordinator.ts',
        replace: 'this.connections.connectForJoins()',
        by: 'this.connections.usual',
        specs: 'kafka/group-coordinator',
      },
      'a join waits behind one that is not answered': {
        file: 'kafka/group-member.ts',
        replace: 'if (this.pendingJoin !== undefined) void this.coordinator.discardJoin();',
      },
      'heartbeats of a join name the old generation after the JoinGroup was answered': {
        file: 'kafka/group-member.ts',
        replace: 'this.heartbeatMembership = membership;\n    this.lease.awaitSync();',
        by: 'this.lease.awaitSync();',
      },
      'a silent coordinator is not looked for elsewhere until its connection times out': {
        file: 'kafka/group-member.ts',
        replace: 'await succeededWithin(clock, this.lease.contactLimitMs, this.sendHeartbeat());',
        by: 'await this.sendHeartbeat().then(() => true);',
      },
      'the fence stays the same when a partition is owned again': {
        file: 'rebalance/assigned-partitions.ts',
        replace: 'return this.generation * FENCES_PER_GENERATION + this.begun;',
        by: 'return 0 * this.generation + FENCES_PER_GENERATION;',
        specs: 'behaviour/late-starts',
      },
      'an attempt is abandoned before its signal has aborted': {
        file: 'attempts/task-runner.ts',
        replace: 'attempt.isAborted && age >= attemptTimeoutMs + attemptGraceMs',
        by: 'age >= attemptTimeoutMs + attemptGraceMs',
        specs: 'behaviour/model.property',
      },
    },
  },
];
