import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestSystem } from '../support/test-system.js';
import { fuzz } from './schemathesis.js';

/** A new seed each day, so that more cases are covered over time; a failure prints it. */
const SEED = Number(process.env['FUZZ_SEED'] || Math.floor(Date.now() / 86_400_000));
const EXAMPLES = 30;

describe('a service with requests that its OpenAPI document allows or forbids', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    // The requests may populate millions of orders: with a low lag ceiling, the producer soon waits for the consumers.
    pipeline = await TestSystem.start({ env: { LAG_CEILING: '1000' }, flags: ['--save-ms', '0..1'] });
    const { id } = await pipeline.populate({ count: 500 });
    await pipeline.allSaved(id);
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  it.each<[string, () => string, string[]]>([
    ['the query API', () => pipeline.queryApiUrl, []],
    ['the producer', () => pipeline.producerUrl, []],
    [
      'the console',
      () => pipeline.consoleUrl,
      // The first never ends; the other starts dozens of processes.
      ['/v1/pipeline/events', '/v1/pipeline/consumers'],
    ],
  ])('(%s) never fails, responds as documented, and rejects invalid requests', async (_, url, without) => {
    const { code, output } = await fuzz(url(), { seed: SEED, examples: EXAMPLES, without });
    const report = code === 0 ? '' : `FUZZ_SEED=${SEED}\n${output.slice(-8_000)}`;
    expect(report).toBe('');
    expect(output).toMatch(/\d+ generated, \d+ passed/);
  });
});
