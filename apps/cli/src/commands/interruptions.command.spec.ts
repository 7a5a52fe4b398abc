import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const ID = OPERATION.id;

describe('an interruption', () => {
  it.each(['pause', 'resume', 'cancel'])('asks to %s, and tells what became of it', async (what) => {
    const { exitCode, out, asked } = await runOrders([what, ID.toUpperCase()], (_, response) =>
      answerJson(response, 200, { ...OPERATION, interruption: 'cancel' }),
    );
    expect([exitCode, asked]).toEqual([0, [`POST /v1/operations/${ID}/${what}`]]);
    expect(out).toMatch(/^status +running \(about to cancel\)$/m);
  });
});
