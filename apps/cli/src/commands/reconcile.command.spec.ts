import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const ID = OPERATION.id;

describe('reconcile', () => {
  it.each([
    ['holds', 0],
    ['broken', 1],
    ['pending', 2],
  ])('ends with the verdict %s and exit code %i', async (verdict, exitCode) => {
    const report = { verdict, text: `It ${verdict}.\nSo it is.`, missing: 0 };
    const answer: Answerer = (_, response) => answerJson(response, 200, report);
    const run = await runOrders(['reconcile', ID], answer);
    expect([run.exitCode, run.out, run.requests]).toEqual([
      exitCode,
      `It ${verdict}.\nSo it is.\n`,
      [`POST /v1/operations/${ID}/reconcile`],
    ]);
    expect(JSON.parse((await runOrders(['reconcile', ID, '--json'], answer)).out)).toEqual(report);
  });
});
