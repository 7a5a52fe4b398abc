import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Pipeline } from '../support/pipeline.js';
import { fuzz } from './schemathesis.js';

/** Always the same, so that a commit is never red for a case that an earlier one did not run. This one sends a body above the limit. */
const SEED = Number(process.env['FUZZ_SEED'] || 20_788);
const EXAMPLES = 30;

describe('a service with requests that its OpenAPI document allows or forbids', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    // The requests may populate millions of orders: with a low lag ceiling, the producer soon waits for the consumers.
    pipeline = await Pipeline.startWith({ LAG_CEILING: '1000' }, '--save-ms', '0..1');
    const { id } = await pipeline.populate({ count: 500 });
    await pipeline.allSaved(id, 30_000);
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  it.each<[string, () => string, string[]]>([
    ['the query API', () => pipeline.stack.queryApiUrl, []],
    ['the producer', () => pipeline.stack.producerUrl, []],
    [
      'the console',
      () => pipeline.stack.consoleUrl,
      // The first never ends; the other starts dozens of processes.
      ['/v1/pipeline/events', '/v1/pipeline/consumers'],
    ],
  ])(
    '(%s) never fails, responds as documented, and rejects invalid requests',
    async (_, url, without) => {
      const { code, output } = await fuzz(url(), { seed: SEED, examples: EXAMPLES, without });
      const report = code === 0 ? '' : `FUZZ_SEED=${SEED}\n${output.slice(-8_000)}`;
      expect(report).toBe('');
      expect(output).toMatch(/\d+ generated, \d+ passed/);
    },
    420_000,
  );
});
