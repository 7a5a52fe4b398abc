import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Pipeline } from '../support/pipeline.js';
import { fuzz } from './schemathesis.js';

/** Another one each day, so that time looks further; a failure names it. */
const SEED = Number(process.env['FUZZ_SEED'] || Math.floor(Date.now() / 86_400_000));
const EXAMPLES = 30;

describe('a service that is asked whatever its document allows, and forbids', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    // What is populated on the way may be millions: the producer waits as soon as the consumers are a little behind.
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
      // The first has no end; the other starts dozens of processes.
      ['/v1/pipeline/events', '/v1/pipeline/consumers'],
    ],
  ])(
    '(%s) never fails, answers as documented, and accepts no nonsense',
    async (_, url, without) => {
      const { code, output } = await fuzz(url(), { seed: SEED, examples: EXAMPLES, without });
      const report = code === 0 ? '' : `FUZZ_SEED=${SEED}\n${output.slice(-8_000)}`;
      expect(report).toBe('');
      expect(output).toMatch(/\d+ generated, \d+ passed/);
    },
    420_000,
  );
});
