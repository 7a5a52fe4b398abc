import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

/** Answers with two pages of one operation each. */
const twoPages: Answerer = (request, response) => {
  const isLast = request.url?.includes('before=') === true;
  const items = [{ ...OPERATION, saved: null, waitingFor: 'consumers', kind: isLast ? 'import' : 'populate' }];
  answerJson(response, 200, {
    items,
    page: { size: 1, ...(!isLast && { next: '/v1/operations?pageSize=1&before=x' }) },
  });
};

describe('operations', () => {
  it('lists operations, the newest page or all of them', async () => {
    const newest = await runOrders(['operations', '--status', 'running', '--kind', 'populate'], twoPages);
    expect(newest.requests).toEqual(['GET /v1/operations?status=running&kind=populate&pageSize=20']);
    expect(newest.out.trimEnd().split('\n')).toHaveLength(2);
    expect(newest.out).toMatch(/ sending 60 %, saving 66 % +1,000 +600 +\? +0 +2026/);
    const all = await runOrders(['operations', '--all', '--json'], twoPages);
    expect((JSON.parse(all.out) as { kind: string }[]).map(({ kind }) => kind)).toEqual(['populate', 'import']);
  });

  it('does not follow a next page to another host', async () => {
    const { exitCode, err, requests } = await runOrders(['operations', '--all'], (_, response) =>
      answerJson(response, 200, { items: [], page: { next: '@elsewhere.test/v1/' } }),
    );
    expect([exitCode, requests.length]).toEqual([1, 1]);
    expect(err).toContain('page.next');
  });
});
