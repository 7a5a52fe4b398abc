import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { betweenTries, eventually } from '../support/eventually.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import { operationsCollection } from '#orders/operation/operation.js';
import { countSaved } from '#orders/operation/saved-count.js';
import { TestSystem } from '../support/test-system.js';

const POLL_EVERY_MS = 200;

/** The responses that one reader received, in order. */
type Answers = readonly OperationResponse[];

/** Readers that poll one operation five times a second each, until they are stopped. */
class ProgressReaders {
  private readonly stopping = new AbortController();
  private readonly reading: Promise<Answers[]>;

  constructor(url: string, readers: number) {
    this.reading = Promise.all(Array.from({ length: readers }, async () => this.poll(url)));
  }

  /** @returns the responses of each reader. @throws the first error of a reader */
  async stop(): Promise<Answers[]> {
    this.stopping.abort();
    return this.reading;
  }

  private async poll(url: string): Promise<Answers> {
    const answers: OperationResponse[] = [];
    while (!this.stopping.signal.aborted) {
      const response = await fetch(url);
      answers.push((await response.json()) as OperationResponse);
      await betweenTries(POLL_EVERY_MS, this.stopping.signal);
    }
    return answers;
  }
}

const COUNT = 20_000;
const READERS = 40;

describe('the progress of an operation', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..1000'] });
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  const operationUrl = (id: string): string => `${pipeline.producerUrl}/v1/operations/${id}`;

  /** Returns the commands that MongoDB ran for the producer meanwhile, from its profiler. */
  async function commandsDuring(work: () => Promise<void>): Promise<Document[]> {
    const { db } = pipeline;
    const ofProducer = { appName: 'orders-producer', op: { $in: ['query', 'command'] } };
    await db.command({ profile: 1, slowms: 0, filter: ofProducer });
    try {
      await work();
    } finally {
      await db.command({ profile: 0, filter: 'unset' });
    }
    const commands = await db.collection('system.profile').find().toArray();
    await db.collection('system.profile').drop();
    return commands;
  }

  async function untilDone(id: string): Promise<OperationResponse> {
    const response = await fetch(`${operationUrl(id)}/events`);
    const events = (await response.text()).split('\n\n').filter((event) => event.startsWith('event:'));
    expect(events.at(-1)).toMatch(/^event: done\n/);
    return JSON.parse(/^data: (.*)$/m.exec(events.at(-1) ?? '')?.[1] ?? '') as OperationResponse;
  }

  it('costs the same for any number of readers, and counts its orders once, at the end', async () => {
    let answers = 0;
    const commands = await commandsDuring(async () => {
      const { id } = await pipeline.populate({ count: COUNT });
      const readers = new ProgressReaders(operationUrl(id), READERS);
      const followers = Promise.all([untilDone(id), untilDone(id)]);
      expect(await followers).toMatchObject([{ saved: COUNT }, { saved: COUNT }]);
      answers = (await readers.stop()).flat().length;
    });
    const countsIn = (name: string): Document[] => commands.filter(({ command }) => command['count'] === name);
    const findsIn = (name: string): Document[] => commands.filter(({ command }) => command['find'] === name);
    expect(answers).toBeGreaterThan(5 * READERS);
    expect(countsIn('orders').length).toBeLessThanOrEqual(2);
    expect(findsIn('operations').length).toBeLessThan(answers / 4);
    expect(findsIn('deadLetters').length).toBeLessThan(answers / 4);
  });

  it('never exceeds the true count, never decreases for a reader, and includes the time of its reading', async () => {
    const operation = await pipeline.populate({ count: COUNT, ratePerSecond: 4_000 });
    const readers = new ProgressReaders(operationUrl(operation.id), 4);
    const excess: number[] = [];
    await eventually('all orders are saved', async () => {
      const { saved, savedAsOf } = await pipeline.operation(operation.id);
      const { localTime } = (await pipeline.db.command({ hello: 1 })) as { readonly localTime: Date };
      expect(Date.parse(savedAsOf)).toBeLessThanOrEqual(Number(localTime));
      const truth = await countSaved(pipeline.db, operation, { from: 0, to: COUNT });
      excess.push((saved ?? 0) - truth);
      return saved === COUNT;
    });
    expect(Math.max(...excess)).toBeLessThanOrEqual(0);
    for (const answers of await readers.stop()) {
      const figures = answers.map(({ saved }) => saved ?? 0);
      expect(figures).toEqual(figures.toSorted((a, b) => a - b));
      const times = answers.map(({ savedAsOf }) => savedAsOf);
      expect(times).toEqual(times.toSorted());
      expect(new Set(figures).size).toBeGreaterThan(3);
    }
  });

  it('is counted exactly if reports were lost or never existed', async () => {
    const [lost, none] = await Promise.all([pipeline.populate({ count: 500 }), pipeline.populate({ count: 500 })]);
    const operations = operationsCollection(pipeline.db);
    await eventually('all saved orders are reported', async () => {
      const stored = await operations.find({ _id: { $in: [lost.id, none.id] } }).toArray();
      return stored.every(({ reportedSaved }) => reportedSaved === 500);
    });
    // The states that a killed consumer and an earlier version leave.
    await operations.updateOne({ _id: lost.id }, { $set: { reportedSaved: 400 } });
    await operations.updateOne({ _id: none.id }, { $unset: { reportedSaved: 1 } });
    // Kill the producer, since it keeps the highest figure in memory.
    process.kill(pipeline.process('producer').pid, 'SIGKILL');
    await eventually('the producer answers again', async () => {
      const answer = await pipeline.operation(none.id).catch(() => undefined);
      return answer?.status === 'succeeded';
    });
    expect(await pipeline.operation(none.id)).toMatchObject({ saved: 500 });
    expect(await untilDone(lost.id)).toMatchObject({ acked: 500, saved: 500 });
    expect(await operations.findOne({ _id: lost.id })).toMatchObject({ countedSaved: 500 });
  });
});
