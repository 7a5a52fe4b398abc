import { describe, expect, it } from '@jest/globals';
import type { CapabilityState, Migration } from '#api/facade.js';
import { runOrders } from '../testing/command-line-run.js';
import { inTurn, json, type Answerer } from '../testing/local-servers.js';

const BOTH = { legacy: 1.24, new: 3.5 };

function state(stage: CapabilityState['stage'], percent = 100, change: Partial<CapabilityState> = {}): CapabilityState {
  return {
    stage,
    percent,
    version: 7,
    since: '2026-11-27T10:00:00.000Z',
    samples: 1_412,
    mismatches: 0,
    errorRate: { legacy: 0, new: 0 },
    p50Ms: BOTH,
    p99Ms: BOTH,
    pendingIntents: 2,
    gate: [],
    ...change,
  };
}

const MIGRATION: Migration = {
  revision: 9,
  hold: null,
  change: null,
  instances: [],
  capabilities: {
    writes: state('dualwrite'),
    'read-by-id': state('live', 10),
    'read-by-page': state('shadow'),
    'read-by-range': state('off'),
  },
};

async function migrate(args: string, answer: Answerer = json(MIGRATION)) {
  return runOrders(`migration ${args}`, answer);
}

describe('migration status', () => {
  it('shows the stages, and what the next steps need', async () => {
    const gate = [{ condition: 'samples', wanted: 'at least 1000', found: '412', holds: false }];
    const capabilities = { ...MIGRATION.capabilities, 'read-by-page': state('shadow', 100, { gate }) };
    const { out, exitCode } = await migrate('status', json({ ...MIGRATION, capabilities }));
    expect(exitCode).toBe(0);
    expect(out).toBe(`capability     stage               compared  mismatches  p99 ms, legacy / target  open writes
writes         dualwrite at 100 %     1,412           0                1.2 / 3.5            2
read-by-id     live at 10 %           1,412           0                1.2 / 3.5            2
read-by-page   shadow at 100 %        1,412           0                1.2 / 3.5            2
read-by-range  off                    1,412           0                1.2 / 3.5            2
read-by-page: next step needs samples at least 1000; found 412
`);
  });
});

describe('migration promote and rollback', () => {
  it.each([
    ['the next stage', 'promote writes', { stage: 'live' }],
    ['some keys of the next stage', 'promote writes --percent 5', { stage: 'live', percent: 5 }],
    ['more keys of the same stage', 'promote read-by-id --percent 50', { stage: 'live', percent: 50 }],
    ['all keys of the same stage', 'promote read-by-id', { stage: 'live' }],
    ['the stage before', 'rollback read-by-id', { stage: 'shadow' }],
    ['the stage before, by force', 'rollback writes --force', { stage: 'off', force: true }],
  ])('move to %s', async (_, args, change) => {
    const { exitCode, requests, bodies } = await migrate(`${args} --reason planned`);
    const path = `/facade/v1/migration/${args.split(' ')[1]}`;
    expect([exitCode, requests]).toEqual([0, ['GET /facade/v1/migration', `POST ${path}`]]);
    expect(bodies).toEqual([{ ...change, reason: 'planned', version: 7 }]);
  });

  it.each([
    ['an unknown capability', 'promote reads --reason x'],
    ['a stage before the first', 'rollback read-by-range --reason x'],
    ['a missing reason', 'promote writes'],
  ])('reject %s without a change', async (_, args) => {
    const { exitCode, bodies } = await migrate(args);
    expect([exitCode, bodies]).toEqual([2, []]);
  });
});

describe('migration hold', () => {
  it.each([
    ['hold', true, 'Every change is blocked.\n', { by: 'ann', since: 'now', reason: 'x' }],
    ['hold --release', false, 'Changes are allowed.\n', null],
  ])('%s blocks changes: %p', async (args, held, text, hold) => {
    const { out, requests, bodies } = await migrate(`${args} --reason x`, json({ ...MIGRATION, hold }));
    expect([out, requests, bodies]).toEqual([text, ['POST /facade/v1/migration/hold'], [{ held, reason: 'x' }]]);
  });
});

describe('migration verify', () => {
  it.each([
    ['equal', 0, '2 orders in the legacy system, 2 on the target: equal.'],
    ['different', 1, '2 orders in the legacy system, 2 on the target: 1 differences.'],
    ['open', 2, 'wait for open writes'],
  ])('ends with exit code of %s', async (result, code, text) => {
    const run = { id: 'r1', status: 'ended', result, problem: null, done: 2, upTo: 2, openIntervals: 1 };
    const ended = { ...run, orders: { legacy: 2, new: 2 }, differences: result === 'different' ? 1 : 0 };
    const differences = json({ items: [{ kind: 'differs', number: 1 }] });
    const { exitCode, out, requests } = await migrate(
      'verify',
      inTurn(json({ ...ended, status: 'running' }), json(ended), differences),
    );
    expect(exitCode).toBe(code);
    expect(out).toContain(text);
    expect(out.includes('"differs"')).toBe(result === 'different');
    const path = '/facade/v1/migration/verify';
    expect(requests.slice(0, 2)).toEqual([`POST ${path}`, `GET ${path}/r1`]);
  });
});

describe('migration backfill', () => {
  it('says that a verify must wait for the imports, and names the orders without a translation', async () => {
    const run = { id: 'b1', status: 'ended', result: 'incomplete', problem: null, done: 3, upTo: 3 };
    const counts = { translated: 2, untranslated: 1, operationIds: ['o1'] };
    const { exitCode, out } = await migrate('backfill', json({ ...run, ...counts }));
    expect(exitCode).toBe(1);
    expect(out).toContain('2 orders translated, in 1 import.\n');
    expect(out).toContain('Before a verify, wait until they are saved: npm run orders -- operations\n');
    expect(out).toContain('/v1/migration/backfill/b1/untranslated');
  });
});
