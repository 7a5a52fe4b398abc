import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { PipelineResponse } from '../apps/console/src/pipeline/pipeline-response.js';
import { eventually } from './support/eventually.js';
import { Pipeline } from './support/pipeline.js';

const PARTITIONS = 3;
/** Of each consumer: 800 a second. */
const IN_FLIGHT = 400;

interface Answer {
  readonly status: number;
  readonly body: { readonly code: string; readonly errors: { field: string }[]; count: number; idle: number | null };
}

/** Each partition has an owner, and all of them together have so many. */
function areShared({ partitions, consumers }: PipelineResponse, among: number): boolean {
  const owners = new Set(partitions?.map(({ owner }) => owner));
  return consumers?.length === among && !owners.has(null) && owners.size === among;
}

/** Which of several of one name comes first is chance. */
function silentOne({ consumers }: PipelineResponse) {
  return consumers?.find(({ inFlight }) => inFlight === null);
}

function idleOnes({ consumers }: PipelineResponse): number | undefined {
  return consumers?.filter(({ partitions }) => partitions?.length === 0).length;
}

describe('the console', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.start(
      '--partitions',
      `${PARTITIONS}`,
      '--save-ms',
      '0..1000',
      '--in-flight',
      `${IN_FLIGHT}`,
    );
  }, 180_000);

  afterAll(async () => {
    await pipeline.end();
  }, 60_000);

  async function now(): Promise<PipelineResponse> {
    const response = await fetch(`${pipeline.stack.consoleUrl}/v1/pipeline`);
    expect(response.status).toBe(200);
    return (await response.json()) as PipelineResponse;
  }

  async function scale(body: unknown): Promise<Answer> {
    return post('consumers', body);
  }

  async function post(what: 'consumers' | 'in-flight', body: unknown): Promise<Answer> {
    const response = await fetch(`${pipeline.stack.consoleUrl}/v1/pipeline/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  it('tells an idle pipeline: nothing to do, and one consumer with all partitions', async () => {
    await eventually('the consumer has its partitions', 20_000, async () => areShared(await now(), 1));
    const idle = await now();
    expect(idle).toMatchObject({ producedPerSecond: 0, savedPerSecond: 0, lagRecords: 0, lagSeconds: 0 });
    expect(idle).toMatchObject({ secondsToDrain: 0, inFlight: 0, deadLetters: 0 });
    expect(idle.partitions).toHaveLength(PARTITIONS);
    expect(idle.consumers).toMatchObject([{ name: 'consumer-1', inFlightLimit: IN_FLIGHT, notReadyBecause: null }]);
  });

  it('tells what is produced, saved and on its way, and where it stands afterwards', async () => {
    const { id } = await pipeline.populate({ count: 6_000, faults: { poison: 0.01 } });
    const seen: PipelineResponse[] = [];
    await eventually('it is being saved', 20_000, async () => {
      seen.push(await now());
      return seen.some((each) => (each.savedPerSecond ?? 0) > 200 && (each.secondsToDrain ?? 0) > 0);
    });
    expect(Math.max(...seen.map(({ producedPerSecond }) => producedPerSecond ?? 0))).toBeGreaterThan(1_000);
    expect(Math.max(...seen.map(({ inFlight }) => inFlight ?? 0))).toBe(IN_FLIGHT);
    await pipeline.allEnded(id, 60_000);
    await eventually('nothing is on its way', 10_000, async () => (await now()).lagRecords === 0);
    expect((await now()).deadLetters).toBeGreaterThan(25);
  }, 90_000);

  it('starts consumers, which are seen and share the partitions, and drains them again', async () => {
    const { id } = await pipeline.populate({ count: 60_000 });
    await eventually('one has saved at its full rate for some seconds', 30_000, async () => {
      const { savedPerSecond, lagSeconds } = await now();
      return (savedPerSecond ?? 0) > 720 && (lagSeconds ?? 0) > 8;
    });
    expect(await scale({ count: 3 })).toEqual({ status: 202, body: { count: 3, idle: 0 } });
    await eventually('they are seen', 30_000, async () => (await now()).consumers?.length === 3);
    await eventually('they share the partitions', 20_000, async () => areShared(await now(), 3));
    await eventually('three save at once', 20_000, async () => ((await now()).inFlight ?? 0) > 2.5 * IN_FLIGHT);
    expect((await now()).consumers?.map(({ name }) => name)).toEqual(['consumer-1', 'consumer-2', 'consumer-3']);
    await eventually('it is judged', 30_000, async () => (await now()).changes.at(-1)?.verdict?.outcome !== undefined);
    const { from, to, verdict } = (await now()).changes.at(-1) ?? {};
    expect([from, to]).toEqual([
      { consumers: 1, inFlight: IN_FLIGHT },
      { consumers: 3, inFlight: IN_FLIGHT },
    ]);
    expect(verdict?.text).toMatch(/helped/);
    expect(verdict?.factor).toBeGreaterThan(2);
    expect((await scale({ count: 1 })).status).toBe(202);
    await eventually('one has all partitions', 30_000, async () => areShared(await now(), 1));
    const operation = await pipeline.allSaved(id, 90_000);
    expect(operation.saved).toBe(60_000);
  }, 180_000);

  it('says how many consumers more than partitions are idle, and starts them all the same', async () => {
    const wanted = PARTITIONS + 1;
    expect(await scale({ count: wanted })).toEqual({ status: 202, body: { count: wanted, idle: 1 } });
    await eventually('all are there', 60_000, async () => (await now()).consumers?.length === wanted);
    await eventually('one has nothing to do', 30_000, async () => idleOnes(await now()) === 1);
    expect(idleOnes(await now())).toBe(1);
    await scale({ count: 1 });
    await eventually('one is left', 60_000, async () => areShared(await now(), 1));
  }, 150_000);

  async function limits() {
    return (await now()).consumers?.map(({ inFlightLimit, inFlightSet }) => [inFlightLimit, inFlightSet]);
  }

  it('sets how many orders each consumer has in flight, and gives it back', async () => {
    expect(await post('in-flight', { limit: 250 })).toMatchObject({ status: 202, body: { limit: 250 } });
    await eventually('it is taken up', 10_000, async () => (await limits())?.[0]?.[0] === 250);
    expect(await limits()).toEqual([[250, 250]]);
    await post('in-flight', { limit: 'auto' });
    await eventually('it is searched for', 10_000, async () => (await limits())?.[0]?.[1] === 'auto');
    await post('in-flight', { limit: null });
    await eventually('it is as it was', 10_000, async () => (await limits())?.[0]?.[0] === IN_FLIGHT);
  }, 60_000);

  it.each([{ limit: 0 }, { limit: -1 }, { limit: 1.5 }, { limit: 1_000_000 }, { limit: 'many' }, {}])(
    'refuses to set %j in flight',
    async (body) => {
      const answer = await post('in-flight', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    },
  );

  it.each([
    { count: 0 },
    { count: -1 },
    { count: 1.5 },
    { count: 1_000 },
    { count: '2' },
    {},
    { count: 1, force: true },
    [],
  ])('refuses to scale to %j, and changes nothing', async (body) => {
    const answer = await scale(body);
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
    expect((await now()).consumers).toHaveLength(1);
  });

  it('tells it once a second as events', async () => {
    const gone = new AbortController();
    const response = await fetch(`${pipeline.stack.consoleUrl}/v1/pipeline/events`, { signal: gone.signal });
    const events = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const times: number[] = [];
    for await (const { event, data } of events ?? []) {
      expect(event).toBe('pipeline');
      expect((JSON.parse(data) as PipelineResponse).partitions).toHaveLength(PARTITIONS);
      times.push(performance.now());
      if (times.length === 4) break;
    }
    expect((times[3] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(1_500);
    gone.abort();
  });

  it('says that a killed consumer is not heard of, and nothing of what it does', async () => {
    const { pid } = pipeline.stack.process('consumer-1');
    process.kill(pid, 'SIGKILL');
    await eventually('it is missed', 15_000, async () => silentOne(await now()) !== undefined);
    expect(silentOne(await now())).toMatchObject({ name: 'consumer-1', ratePerSecond: null, partitions: null });
    await eventually('another one took its place', 30_000, async () => ((await now()).consumers?.length ?? 0) > 1);
  }, 60_000);

  it('knows what MongoDB would tell no more when that is away, and all of it again afterwards', async () => {
    const { pid } = pipeline.stack.process('MongoDB');
    process.kill(pid, 'SIGSTOP');
    try {
      await eventually('it is unknown', 15_000, async () => (await now()).consumers === null);
      const without = await now();
      expect([without.savedPerSecond, without.inFlight, without.deadLetters]).toEqual([null, null, null]);
      expect(without.partitions?.map(({ endOffset }) => endOffset)).not.toContain(null);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await eventually('it is known again', 30_000, async () => (await now()).savedPerSecond !== null);
  }, 90_000);
});
