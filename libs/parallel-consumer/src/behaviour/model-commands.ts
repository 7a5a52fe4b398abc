import * as fc from 'fast-check';
import type { CutWay } from '../simulation/simulated-process.js';
import type { Ending } from './model-member.js';

/** A command to the model world. Numbers that select an element are taken modulo the number of elements. */
export type ModelCommand =
  | {
      readonly type: 'append';
      readonly partition: number;
      /** One record per key; 0 is a record without a key. */
      readonly keys: readonly number[];
      /** Number of offsets to skip before them, as compaction does. */
      readonly gap: number;
      /** Whether a transaction marker follows. */
      readonly marker: boolean;
    }
  /** A run takes the next records of its key along, up to so many. */
  | { readonly type: 'take'; readonly run: number; readonly count: number }
  | {
      readonly type: 'end';
      readonly run: number;
      readonly ending: Ending;
      readonly next: readonly (Ending | 'untried')[];
    }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'join' | 'rebalance' }
  | { readonly type: 'leave' | 'crash'; readonly member: number }
  /** `publish`: too few replicas; `records`: Kafka rejects all that is written. */
  | { readonly type: 'fail'; readonly what: 'publish' | 'records' | 'node 1' | 'node 2'; readonly on: boolean }
  /** Pauses or resumes a key; 0: all records. */
  | { readonly type: 'pause' | 'resume'; readonly member: number; readonly key: number }
  | { readonly type: 'resize'; readonly member: number; readonly limit: number }
  /** Deletes the committed records of a partition. */
  | { readonly type: 'delete'; readonly partition: number }
  /** Loses the last records of a partition, up to this many. */
  | { readonly type: 'truncate'; readonly partition: number; readonly records: number }
  | { readonly type: 'elect'; readonly partition: number }
  /** The link between a member and Kafka stops to forward one way. */
  | { readonly type: 'cut'; readonly member: number; readonly way: CutWay }
  | { readonly type: 'reconnect'; readonly member: number }
  | { readonly type: 'freeze' | 'suspend'; readonly member: number }
  | { readonly type: 'thaw'; readonly member: number; readonly first: 'timers' | 'answers' }
  /** The member's clock jumps ahead. */
  | { readonly type: 'jump'; readonly member: number; readonly ms: number }
  | { readonly type: 'move coordinator' };

const pick = fc.nat(11);

const append = (keys: number): fc.Arbitrary<ModelCommand> =>
  fc.record({
    type: fc.constant('append' as const),
    partition: pick,
    keys: fc.array(fc.nat(keys), { maxLength: 8 }),
    gap: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(5)),
    marker: fc.boolean(),
  });
const endingAs = (...endings: Ending[]): fc.Arbitrary<ModelCommand> =>
  fc.record({
    type: fc.constant('end' as const),
    run: pick,
    ending: fc.constantFrom(...endings),
    next: fc.array(fc.constantFrom('done' as const, 'untried' as const, ...endings), { maxLength: 3 }),
  });
const take: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('take' as const),
  run: pick,
  count: fc.integer({ min: 1, max: 3 }),
});
const pass: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('pass' as const),
  ms: fc.constantFrom(50, 300, 1_100, 5_000),
});
const join: fc.Arbitrary<ModelCommand> = fc.constant({ type: 'join' });
const leave: fc.Arbitrary<ModelCommand> = fc.record({ type: fc.constant('leave' as const), member: pick });
const resize: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('resize' as const),
  member: pick,
  limit: fc.integer({ min: 1, max: 16 }),
});
const pause: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constantFrom('pause' as const, 'resume' as const),
  member: pick,
  key: fc.nat(3),
});
const thaw: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('thaw' as const),
  member: pick,
  first: fc.constantFrom('timers' as const, 'answers' as const),
});

/** Commands of a healthy group: records arrive and are handled, and members join and leave in an orderly way. */
export function calmCommands(keys: number): fc.Arbitrary<ModelCommand> {
  return fc.oneof(
    { weight: 4, arbitrary: append(keys) },
    { weight: 12, arbitrary: endingAs('done') },
    { weight: 6, arbitrary: take },
    { weight: 6, arbitrary: pass },
    { weight: 1, arbitrary: join },
    { weight: 1, arbitrary: leave },
    { weight: 1, arbitrary: fc.constant({ type: 'rebalance' as const }) },
    { weight: 1, arbitrary: resize },
    { weight: 2, arbitrary: pause },
  );
}

/** The calm commands plus all kinds of failures: of handlers, members, links, clocks, nodes and logs. */
export function wildCommands(keys: number): fc.Arbitrary<ModelCommand> {
  return fc.oneof(
    { weight: 20, arbitrary: calmCommands(keys) },
    { weight: 6, arbitrary: endingAs('done', 'retriable', 'poison', 'environment') },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const), member: pick }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('fail' as const),
        what: fc.constantFrom('publish' as const, 'records' as const, 'node 1' as const, 'node 2' as const),
        on: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), partition: pick }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('truncate' as const), partition: pick, records: fc.nat(6) }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('elect' as const), partition: pick }) },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('cut' as const),
        member: pick,
        way: fc.constantFrom('requests' as const, 'answers' as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('reconnect' as const), member: pick }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('freeze' as const), member: pick }) },
    { weight: 2, arbitrary: thaw },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('jump' as const),
        member: pick,
        ms: fc.constantFrom(2_000, 12_000),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'move coordinator' as const }) },
  );
}

/** The wild commands, and machines that are suspended together with their clocks. */
export function suspendingCommands(keys: number): fc.Arbitrary<ModelCommand> {
  return fc.oneof(
    { weight: 15, arbitrary: wildCommands(keys) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('suspend' as const), member: pick }) },
    { weight: 1, arbitrary: thaw },
  );
}
