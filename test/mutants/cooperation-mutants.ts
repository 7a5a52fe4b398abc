import type { Mutant } from './mutant.js';

/** Mutants of cooperative rebalancing. */
export const COOPERATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'a partition goes to its new owner before the old one has surrendered it',
    file: 'kafka/sticky-assigner.ts',
    replace: '(owners.get(name) ?? memberId) === memberId;',
    by: 'owners.has(name) || memberId.length > 0;',
    specs: 'sticky-assigner',
  },
  {
    name: 'the owner of a partition is the member with the oldest claim',
    file: 'kafka/sticky-assigner.ts',
    replace: '(a, b) => a.ownedSince - b.ownedSince',
    by: '(a, b) => b.ownedSince - a.ownedSince',
    specs: 'sticky-assigner',
  },
  {
    name: 'partitions that leave are dropped with the assignment',
    file: 'kafka/held-partitions.ts',
    replace: 'return [...assigned, ...this.leaving];',
    by: 'return assigned;',
    specs: 'held-partitions',
  },
  {
    name: 'partitions stay with a member that missed a generation',
    file: 'kafka/held-partitions.ts',
    replace: "this.rebalancing === 'cooperative' && kept ?",
    by: "this.rebalancing === 'cooperative' ?",
    specs: 'held-partitions',
  },
  {
    name: 'a member does not join again after it has surrendered partitions',
    file: 'kafka/group-member.ts',
    replace: 'if (await surrendered) this.isRejoinDue = true;',
    by: 'await surrendered;',
    specs: 'cooperative-member',
  },
  {
    name: 'new attempts begin in a partition that leaves',
    file: 'window/scheduler.ts',
    replace: 'return assignment.isLeaving || this.pauses.has(record);',
    by: 'return this.pauses.has(record);',
    specs: 'cooperative',
  },
  {
    name: 'a partition is surrendered while its records are in the handler',
    file: 'membership/drain.ts',
    replace: 'leaving.every(({ isIdle, revoked }) => isIdle || revoked)',
    by: 'leaving.length > 0',
    specs: 'cooperative',
  },
  {
    name: 'a partition is surrendered without a commit',
    file: 'membership/drain.ts',
    replace: '=> isIdle || revoked));\n    await this.parts.committer.commit();',
    by: '=> isIdle || revoked));',
    specs: 'cooperative',
  },
  {
    name: 'a partition is surrendered while records of the log before are in the handler',
    file: 'partition/assignment.ts',
    replace: 'this.running === 0 && (this.before?.isIdle ?? true)',
    by: 'this.running === 0',
    specs: 'cooperative.spec',
  },
  {
    name: 'a member of a cooperative group drops partitions after it missed an assignment, and their claim keeps them from others',
    file: 'kafka/group-member.ts',
    replace: 'this.isCooperative || synced',
    by: 'synced',
    specs: 'cooperative-member',
  },
  {
    name: 'a stop during a cooperative rebalance loses the commit of its partitions',
    file: 'parallel-consumer.ts',
    replace: 'if (this.committer.hasUncommitted) {',
    by: 'if (this.committer.hasUncommitted && false) {',
    specs: 'cooperative.spec',
  },
];
