import { describe, expect, it } from '@jest/globals';
import type { CapabilityState, Migration } from '../../facade/facade-api.js';
import { runOrders } from '../../testing/command-line-run.js';
import { answerJson, answerProblem, bodyOf, type Answerer } from '../../testing/local-producer.js';

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

/** Answers with the migration, and records the bodies of changes. */
function answering(migration: Migration = MIGRATION): { readonly answer: Answerer; readonly bodies: unknown[] } {
  const bodies: unknown[] = [];
  const answer: Answerer = async (request, response) => {
    if (request.method === 'POST') bodies.push(JSON.parse((await bodyOf(request)).toString()));
    answerJson(response, 200, migration);
  };
  return { answer, bodies };
}

async function migrate(args: readonly string[], answer: Answerer) {
  return runOrders(['migration', ...args], answer);
}

describe('migration status', () => {
  it('shows the stages, and what the next steps need', async () => {
    const gate = [{ condition: 'samples', wanted: 'at least 1000', found: '412', holds: false }];
    const capabilities = { ...MIGRATION.capabilities, 'read-by-page': state('shadow', 100, { gate }) };
    const { answer } = answering({ ...MIGRATION, capabilities });
    const { out, exitCode } = await migrate(['status'], answer);
    expect(exitCode).toBe(0);
    expect(out).toBe(`capability     stage               compared  mismatches  p99 ms, legacy / new  open writes
writes         dualwrite at 100 %     1,412           0             1.2 / 3.5            2
read-by-id     live at 10 %           1,412           0             1.2 / 3.5            2
read-by-page   shadow at 100 %        1,412           0             1.2 / 3.5            2
read-by-range  off                    1,412           0             1.2 / 3.5            2
read-by-page: next step needs samples at least 1000; found 412
`);
  });
});

describe('the help of the migration commands', () => {
  it.each([
    [['--help'], 'Usage: npm run migration -- [options] [command]'],
    [['status', '--help'], 'Usage: npm run migration -- status [options]'],
  ])('names the command as it is typed: %j', async (args, usage) => {
    const { exitCode, out } = await migrate(args, () => undefined);
    expect([exitCode, out.split('\n')[0]]).toEqual([0, usage]);
  });
});

describe('migration promote and rollback', () => {
  it.each([
    ['the next stage', ['promote', 'writes'], { stage: 'live' }],
    ['some keys of the next stage', ['promote', 'writes', '--percent', '5'], { stage: 'live', percent: 5 }],
    ['more keys of the same stage', ['promote', 'read-by-id', '--percent', '50'], { stage: 'live', percent: 50 }],
    ['all keys of the same stage', ['promote', 'read-by-id'], { stage: 'live' }],
    ['the stage before', ['rollback', 'read-by-id'], { stage: 'shadow' }],
    ['the stage before, by force', ['rollback', 'writes', '--force'], { stage: 'off', force: true }],
  ])('move to %s', async (_, args, change) => {
    const { answer, bodies } = answering();
    const { exitCode, requests } = await migrate([...args, '--reason', 'as planned'], answer);
    expect([exitCode, requests]).toEqual([0, ['GET /v1/migration', `POST /v1/migration/${args[1]}`]]);
    expect(bodies).toEqual([{ ...change, reason: 'as planned', version: 7 }]);
  });

  it('explain a refusal', async () => {
    const { exitCode, err } = await migrate(['promote', 'writes', '--reason', 'now'], (request, response) => {
      if (request.method === 'GET') return answerJson(response, 200, MIGRATION);
      return answerProblem(response, 409, 'gate-not-met', { detail: 'samples of the gate to live not met' });
    });
    expect(exitCode).not.toBe(0);
    expect(err).toContain('samples of the gate to live not met');
  });

  it.each([
    ['an unknown capability', ['promote', 'reads']],
    ['a stage before the first', ['rollback', 'read-by-range']],
    ['a missing reason', ['promote', 'writes']],
  ])('reject %s without a change', async (name, args) => {
    const reason = name === 'a missing reason' ? [] : ['--reason', 'x'];
    const { exitCode, requests } = await migrate([...args, ...reason], answering().answer);
    expect(exitCode).toBe(2);
    expect(requests.filter((request) => request.startsWith('POST'))).toEqual([]);
  });
});

describe('migration verify', () => {
  it.each([
    ['equal', 0, '2 orders in the legacy system, 2 on the new side: equal.'],
    ['different', 1, '2 orders in the legacy system, 2 on the new side: 1 differences.'],
    ['open', 2, 'wait for open writes'],
  ])('ends with exit code of %s', async (result, code, text) => {
    const run = { id: 'r1', status: 'ended', result, problem: null, done: 2, upTo: 2, openIntervals: 1 };
    const answer: Answerer = (request, response) => {
      if (request.url?.includes('/differences'))
        return answerJson(response, 200, { items: [{ kind: 'differs', number: 1 }] });
      const ended = { ...run, orders: { legacy: 2, new: 2 }, differences: result === 'different' ? 1 : 0 };
      return answerJson(response, 200, request.method === 'POST' ? { ...ended, status: 'running' } : ended);
    };
    const { exitCode, out } = await migrate(['verify'], answer);
    expect(exitCode).toBe(code);
    expect(out).toContain(text);
    expect(out.includes('"differs"')).toBe(result === 'different');
  });
});

describe('migration backfill', () => {
  it('says that a verify must wait for the imports, and names the orders without a translation', async () => {
    const { exitCode, out } = await migrate(['backfill'], (_request, response) => {
      const run = { id: 'b1', status: 'ended', result: 'incomplete', problem: null, done: 3, upTo: 3 };
      answerJson(response, 200, { ...run, translated: 2, untranslated: 1, operationIds: ['o1'] });
    });
    expect(exitCode).toBe(1);
    expect(out).toContain('2 orders handed over, in 1 import.\n');
    expect(out).toContain('Before a verify, wait until they are saved: npm run orders -- operations\n');
    expect(out).toContain('/v1/migration/backfill/b1/untranslated');
  });
});
