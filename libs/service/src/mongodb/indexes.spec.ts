import { describe, expect, it } from '@jest/globals';
import { INDEXES } from '#orders/database/indexes.js';
import { type ExistingIndex, planIndexes } from './indexes.js';
import { describeProgress } from './migrate-database.js';

const NOTHING = { missing: [], otherExpiry: [], conflicts: [], retired: [] };

/** Indexes as MongoDB lists them. */
function listed(...definitions: readonly object[]): ExistingIndex[] {
  return definitions.map((definition) => ({
    definition: { v: 2, ...definition } as unknown as ExistingIndex['definition'],
    isBuilding: false,
  }));
}

describe('the plan of a migration', () => {
  it('is empty if the indexes exist, and leaves those that an operator has added', () => {
    const own = { name: 'of-the-operator', key: { currency: 1 } };
    expect(planIndexes('orders', listed(...INDEXES.orders, own))).toEqual(NOTHING);
  });

  it('creates missing indexes, and waits for those that are still being built', () => {
    const [number, ...others] = listed(...INDEXES.operations);
    const building = { ...number, isBuilding: true } as ExistingIndex;
    expect(planIndexes('operations', [building, ...others]).missing.map(({ index }) => index.name)).toEqual([
      'status_id',
    ]);
    expect(planIndexes('operations', []).missing).toHaveLength(INDEXES.operations.length);
  });

  it('changes only the expiry of an index that differs in nothing else', () => {
    const [at] = INDEXES.consumers;
    expect(planIndexes('consumers', listed({ ...at, expireAfterSeconds: 60 }))).toEqual({
      ...NOTHING,
      otherExpiry: [{ collection: 'consumers', index: at }],
    });
  });

  it.each([
    ['other fields', { key: { index: 1, operationId: 1 }, unique: true }],
    ['no uniqueness', { key: { operationId: 1, index: 1 } }],
    ['a filter', { key: { operationId: 1, index: 1 }, unique: true, partialFilterExpression: { index: 1 } }],
  ])('leaves an index with %s to a person, because its name would not say what it is', (_, definition) => {
    const { missing, conflicts } = planIndexes('importRows', listed({ name: 'operationId_index', ...definition }));
    expect(missing).toEqual([]);
    expect(conflicts).toEqual([
      'Index operationId_index of collection importRows has another definition. Drop it, and migrate again.',
    ]);
  });

  it('names an equal index that MongoDB would not create again under another name', () => {
    expect(planIndexes('importManifest', listed({ name: 'sha256_1', key: { sha256: 1 } }))).toEqual({
      ...NOTHING,
      conflicts: [
        'Index sha256 of collection importManifest exists under the name sha256_1. Drop that one, and migrate again.',
      ],
    });
  });

  it('lists what this version does not use', () => {
    const retired = { name: 'legacy_number', key: { legacy: 1, number: 1 } };
    expect(planIndexes('orders', listed(...INDEXES.orders, retired)).retired).toEqual([
      { collection: 'orders', index: 'legacy_number' },
    ]);
  });

  it('lists the indexes of dead letters that 0.1.0 made, beside those of this version', () => {
    const fields = { 'tries.operationId': 1, 'tries.outcome': 1, 'tries.sent.partition': 1, 'tries.sent.offset': 1 };
    const previous = [
      { name: 'operationId_index', key: { operationId: 1, index: 1 } },
      { name: 'tries_sent', key: fields },
    ];
    expect(planIndexes('deadLetters', listed(...INDEXES.deadLetters, ...previous))).toEqual({
      ...NOTHING,
      retired: previous.map(({ name }) => ({ collection: 'deadLetters', index: name })),
    });
  });
});

it.each([
  [
    {
      msg: 'Index Build: scanning collection Index Build: scanning collection: 1200000/5000000 24%',
      progress: { done: 1_200_000, total: 5_000_000 },
    },
    'scanning collection 1,200,000 of 5,000,000',
  ],
  [{ msg: 'Index Build: draining writes received during build' }, 'draining writes received during build'],
  [{ msg: 'something else' }, 'working'],
  [{}, undefined],
])('the progress of %j', (operation, line) => {
  expect(describeProgress(operation)).toBe(line);
});
