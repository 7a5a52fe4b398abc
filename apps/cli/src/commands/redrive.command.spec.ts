import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson } from '../testing/local-producer.js';

describe('redrive and discard', () => {
  it.each([
    [['redrive'], 'Name the dead letters.'],
    [['redrive', '--dry-run'], 'Name the dead letters.'],
    [['discard', '--error', 'conflict', '--all'], 'Name the dead letters in one way only.'],
    [['redrive', 'orders.v1/0/1', '--all'], 'Name the dead letters in one way only.'],
  ])('reject %j in the words of the command line, without a request', async (args, message) => {
    const { exitCode, err, requests } = await runOrders(args, () => undefined);
    expect([exitCode, requests]).toEqual([2, []]);
    expect(err).toBe(`${message}\nGive an ID, or --error and --operation (one or both), or --all.\n`);
  });

  it('accept a filter of both kinds', async () => {
    const args = ['discard', '--error', 'conflict', '--operation', '01a20e65-570e-7570-bea6-26988d692e8b'];
    const { exitCode, out } = await runOrders(args, (_, response) => answerJson(response, 200, { discarded: 3 }));
    expect([exitCode, out]).toEqual([0, '3 discarded\n']);
  });

  it.each([
    ['discard', ['discard', '--error', 'conflikt'], '0 discarded\n'],
    ['redrive', ['redrive', '--error', 'conflikt', '--dry-run'], '0 would be sent\n'],
    ['dead-letters', ['dead-letters', '--error', 'conflikt'], ''],
  ])('%s names the error codes that exist, if none is the given one', async (_, args, text) => {
    const example = { message: 'another order' };
    const groups = ['conflict', 'oversized'].map((errorCode) => {
      return { errorCode, count: 3, redriven: 0, lastAt: '2026-01-31T12:00:00.000Z', example };
    });
    const { exitCode, out, err } = await runOrders(args, ({ method, url }, response) =>
      answerJson(
        response,
        200,
        method === 'POST'
          ? { discarded: 0, letters: 0, spent: 0, errors: [] }
          : { items: url?.includes('?') ? [] : groups },
      ),
    );
    expect([exitCode, out]).toEqual([0, text]);
    expect(err).toContain('No dead letter has the error code conflikt. There are: conflict, oversized.\n');
  });
});
