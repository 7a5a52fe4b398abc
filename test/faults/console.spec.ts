import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { areShared, changeScaling, pipelineState, type ScalingAnswer } from '../support/console-requests.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';

const PARTITIONS = 3;

/** The consumer without current figures. Consumers of the same name come in any order. */
function silentOne({ consumers }: PipelineResponse) {
  return consumers?.find(({ inFlight }) => inFlight === null);
}

function idleOnes({ consumers }: PipelineResponse): number | undefined {
  return consumers?.filter(({ partitions }) => partitions?.length === 0).length;
}

describe('the console beside killed processes', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--partitions', `${PARTITIONS}`] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  const now = async (): Promise<PipelineResponse> => pipelineState(pipeline);
  const scale = async (body: unknown): Promise<ScalingAnswer> => changeScaling(pipeline, 'consumers', body);

  it('reports how many consumers beyond the number of partitions are idle, but starts them', async () => {
    const wanted = PARTITIONS + 1;
    expect(await scale({ count: wanted })).toMatchObject({ status: 202, body: { count: wanted, idle: 1 } });
    await eventually('all consumers appear', async () => (await now()).consumers?.length === wanted);
    await eventually('one consumer is idle', async () => idleOnes(await now()) === 1);
    await scale({ count: 1 });
    await eventually('one consumer is left', async () => areShared(await now(), 1));
  });

  it('reports a killed consumer without current figures', async () => {
    const { pid } = pipeline.process('consumer-1');
    process.kill(pid, 'SIGKILL');
    await eventually('the killed consumer has no current figures', async () => silentOne(await now()) !== undefined);
    expect(silentOne(await now())).toMatchObject({ name: 'consumer-1', ratePerSecond: null, partitions: null });
    await eventually('a new consumer has replaced it', async () => ((await now()).consumers?.length ?? 0) > 1);
  });

  it('names a service that does not answer, and forwards again once it does', async () => {
    process.kill(pipeline.process('query-api').pid, 'SIGKILL');
    const refused: unknown[] = [];
    await eventually('the query API is reported as unavailable', async () => {
      const answer = await fetch(`${pipeline.consoleUrl}/v1/orders?page=1`);
      if (answer.status !== 200) refused.push(await answer.json());
      return refused.length > 0;
    });
    expect(refused).toMatchObject([
      { status: 503, code: 'service-away', detail: expect.stringContaining('query API') },
    ]);
    await eventually(
      'the query API answers again',
      async () => (await fetch(`${pipeline.consoleUrl}/v1/orders?page=1`)).status === 200,
    );
  });
});
