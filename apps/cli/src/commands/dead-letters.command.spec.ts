import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const LETTER = {
  id: 'orders.v1/3/17',
  state: 'pending',
  operationId: '01a2135b-532c-737c-bc84-e9aafaaf8fb4',
  index: 4,
  number: 4_712,
  redrives: 1,
  error: { code: 'conflict', message: 'another order\u001b[31m' },
};
const REDRIVE = { moved: 3, saved: 2, returned: 1, waiting: 0, missing: 0, unmovable: 0 };

describe('dead-letters', () => {
  it('are listed by error', async () => {
    const group = { errorCode: 'conflict', count: 1_234, redriven: 2, lastAt: 'then', example: { message: 'taken' } };
    const run = await runOrders(['dead-letters', '--error', 'conflict'], (_, response) =>
      answerJson(response, 200, { state: 'pending', total: 1_234, items: [group] }),
    );
    expect([run.exitCode, run.requests]).toEqual([0, ['GET /v1/dead-letters?errorCode=conflict']]);
    expect(run.out).toMatch(/^error +letters +redriven before[^]*\nconflict +1,?234 +2 +then +taken\n$/);
  });

  it('are listed one by one, page by page, without control characters', async () => {
    const pages = [
      { items: [LETTER], page: { next: '/v1/dead-letters/records?after=x' } },
      { items: [LETTER], page: {} },
    ];
    const run = await runOrders(['dead-letters', '--list', '--state', 'pending'], (_, response) =>
      answerJson(response, 200, pages.shift()),
    );
    expect(run.requests).toEqual([
      'GET /v1/dead-letters/records?state=pending',
      'GET /v1/dead-letters/records?after=x',
    ]);
    expect(run.out.split('\n')[0]).toMatch(
      /^orders\.v1\/3\/17 pending, redriven 1, order 4,712 of 01a2[^]*: conflict: /,
    );
    expect(run.out).not.toContain('\u001b');
  });

  it('can be shown individually', async () => {
    const run = await runOrders(['dead-letter', 'orders.v1/3/17'], (_, response) => answerJson(response, 200, LETTER));
    expect([run.requests, JSON.parse(run.out)]).toEqual([
      ['GET /v1/dead-letters/records/orders.v1/3/17'],
      expect.objectContaining({ id: 'orders.v1/3/17' }),
    ]);
    expect((await runOrders(['dead-letter', '17'], () => undefined)).exitCode).toBe(2);
  });
});

describe('redrive', () => {
  it('redrives a group, with all options', async () => {
    const bodies: unknown[] = [];
    const args = ['redrive', '--error', 'conflict', '--limit', '3', '--rate', '0.5', '--max-redrives', '2'];
    const run = await runOrders(args, async (request, response) => {
      bodies.push(JSON.parse(await text(request)));
      answerJson(response, 202, { ...OPERATION, kind: 'redrive', saved: 2, redrive: REDRIVE });
    });
    expect([run.exitCode, run.requests]).toEqual([0, ['POST /v1/dead-letters/redrive']]);
    expect(bodies).toEqual([{ errorCode: 'conflict', limit: 3, ratePerSecond: 0.5, maxRedrives: 2 }]);
    expect(run.out).toMatch(/^saved +2$[^]*^dead again +1$/m);
  });

  it('prints the plan of a dry run', async () => {
    const plan = { letters: 3, spent: 1, errors: [{ errorCode: 'conflict', count: 3 }] };
    const bodies: unknown[] = [];
    const run = await runOrders(['redrive', 'orders.v1/3/17', '--dry-run'], async (request, response) => {
      bodies.push(JSON.parse(await text(request)));
      answerJson(response, 200, plan);
    });
    expect(bodies).toEqual([{ id: 'orders.v1/3/17', dryRun: true }]);
    expect(run.out).toBe('3 would be sent\n  3 conflict\n1 skipped: maximum number of redrives reached\n');
  });

  it('reports why the producer rejects a redrive', async () => {
    const problem = { code: 'nothing-to-redrive', detail: 'No pending dead letter fits.', status: 409 };
    const run = await runOrders(['redrive', '--all'], (_, response) => answerJson(response, 409, problem));
    expect([run.exitCode === 0, run.err]).toEqual([false, expect.stringContaining('No pending dead letter fits.')]);
  });
});

describe('discard', () => {
  it('discards dead letters', async () => {
    const run = await runOrders(['discard', '--error', 'malformed-avro'], (_, response) =>
      answerJson(response, 200, { discarded: 7 }),
    );
    expect([run.requests, run.out]).toEqual([['POST /v1/dead-letters/discard'], '7 discarded\n']);
  });
});
