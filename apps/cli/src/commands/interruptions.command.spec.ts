import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const ID = OPERATION.id;

describe('an interruption', () => {
  it.each(['pause', 'resume', 'cancel'])('requests %s and prints the operation', async (action) => {
    const { exitCode, out, requests } = await runOrders([action, ID.toUpperCase()], (_, response) =>
      answerJson(response, 200, { ...OPERATION, interruption: 'cancel' }),
    );
    expect([exitCode, requests]).toEqual([0, [`POST /v1/operations/${ID}/${action}`]]);
    expect(out).toMatch(/^state +sending 60 %, saving 66 % \(about to cancel\)$/m);
  });
});
