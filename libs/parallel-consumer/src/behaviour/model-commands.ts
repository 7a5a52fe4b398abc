import * as fc from 'fast-check';
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
  | { readonly type: 'take'; readonly run: number }
  | {
      readonly type: 'end';
      readonly run: number;
      readonly ending: Ending;
      readonly next: readonly (Ending | 'untried')[];
    }
  | { readonly type: 'pass'; readonly ms: number }
  /** `fetch`: each member fetches once. */
  | { readonly type: 'fetch' | 'join' | 'rejoin' }
  | { readonly type: 'leave' | 'crash' | 'expire'; readonly member: number }
  /** For each partition the index of its owner, in the order in which the members joined. */
  | { readonly type: 'force'; readonly owners: readonly number[] }
  | {
      readonly type: 'fail';
      readonly member: number;
      readonly what: 'commit' | 'committed' | 'publish';
      readonly on: boolean;
    }
  /** Pauses or resumes a key; 0: all records. */
  | { readonly type: 'pause' | 'resume'; readonly member: number; readonly key: number }
  | { readonly type: 'resize'; readonly member: number; readonly limit: number }
  /** The member misses one generation of the group. */
  | { readonly type: 'miss'; readonly member: number }
  /** Deletes the committed records of a partition. */
  | { readonly type: 'delete'; readonly partition: number };

const pick = fc.nat(11);

const append = (keys: number): fc.Arbitrary<ModelCommand> =>
  fc.record({
    type: fc.constant('append' as const),
    partition: pick,
    keys: fc.array(fc.nat(keys), { maxLength: 8 }),
    gap: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(5)),
    marker: fc.boolean(),
  });
const fetch: fc.Arbitrary<ModelCommand> = fc.constant({ type: 'fetch' });
const endingAs = (...endings: Ending[]): fc.Arbitrary<ModelCommand> =>
  fc.record({
    type: fc.constant('end' as const),
    run: pick,
    ending: fc.constantFrom(...endings),
    next: fc.array(fc.constantFrom('done' as const, 'untried' as const, ...endings), { maxLength: 3 }),
  });
const take: fc.Arbitrary<ModelCommand> = fc.record({ type: fc.constant('take' as const), run: pick });
const pass: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('pass' as const),
  ms: fc.constantFrom(50, 300, 1_100, 5_000),
});
const join: fc.Arbitrary<ModelCommand> = fc.constant({ type: 'join' });
const leave: fc.Arbitrary<ModelCommand> = fc.record({ type: fc.constant('leave' as const), member: pick });
const force: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('force' as const),
  owners: fc.array(pick, { minLength: 4, maxLength: 4 }),
});
const resize: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constant('resize' as const),
  member: pick,
  limit: fc.integer({ min: 1, max: 8 }),
});

const pause: fc.Arbitrary<ModelCommand> = fc.record({
  type: fc.constantFrom('pause' as const, 'resume' as const),
  member: pick,
  key: fc.nat(3),
});

/** Commands of a healthy group: records arrive and are handled, and members join and leave in an orderly way. */
export function calmCommands(keys: number): fc.Arbitrary<ModelCommand> {
  return fc.oneof(
    { weight: 4, arbitrary: append(keys) },
    { weight: 6, arbitrary: fetch },
    { weight: 12, arbitrary: endingAs('done') },
    { weight: 6, arbitrary: take },
    { weight: 4, arbitrary: pass },
    { weight: 1, arbitrary: join },
    { weight: 1, arbitrary: leave },
    { weight: 1, arbitrary: force },
    { weight: 1, arbitrary: resize },
    { weight: 2, arbitrary: pause },
  );
}

/** The calm commands plus all kinds of failures. */
export function wildCommands(keys: number): fc.Arbitrary<ModelCommand> {
  return fc.oneof(
    { weight: 20, arbitrary: calmCommands(keys) },
    { weight: 6, arbitrary: endingAs('done', 'retriable', 'poison', 'environment') },
    { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('crash' as const, 'expire' as const), member: pick }) },
    { weight: 1, arbitrary: fc.constant({ type: 'rejoin' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('fail' as const),
        member: pick,
        what: fc.constantFrom('commit' as const, 'committed' as const, 'publish' as const),
        on: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('delete' as const), partition: pick }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('miss' as const), member: pick }) },
  );
}
