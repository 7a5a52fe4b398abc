import { describe, expect, it } from '@jest/globals';
import type { Mongo } from '#service/mongo.js';
import { Heartbeat } from './heartbeat.js';
import type { OrdersConsumer } from './orders-consumer.js';
import { Rebalances } from './rebalances.js';
import type { SavedReports } from './saved-reports.js';
import type { InFlightOverride } from './in-flight-override.js';

const REPORTS = { flush: async () => undefined } as unknown as SavedReports;
const SAVERS = { status: { partitions: [] } } as unknown as OrdersConsumer;

interface Database {
  readonly told: string[];
  readonly heartbeat: Heartbeat;
}

/** Of a consumer whose database answers as it is given. */
function heartbeatTo(answer: Promise<unknown>): Database {
  const told: string[] = [];
  const asked = (what: string) => async (): Promise<unknown> => {
    told.push(what);
    return answer;
  };
  const collection = { updateOne: asked('written'), deleteOne: asked('removed') };
  const mongo = { db: { collection: () => collection } } as unknown as Mongo;
  const inFlight = { set: 100, look: asked('looked for') } as unknown as InFlightOverride;
  return { told, heartbeat: new Heartbeat(mongo, SAVERS, new Rebalances(), inFlight, REPORTS) };
}

describe('the heartbeat of a consumer that ends', () => {
  it('is removed, after the last one has been written', async () => {
    const { told, heartbeat } = heartbeatTo(Promise.resolve());
    heartbeat.onApplicationBootstrap();
    await heartbeat.onApplicationShutdown();
    expect(told).toEqual(['looked for', 'written', 'removed']);
  });

  it('is left behind when the database does not answer: the consumer ends all the same', async () => {
    const { told, heartbeat } = heartbeatTo(new Promise(() => undefined));
    heartbeat.onApplicationBootstrap();
    await heartbeat.onApplicationShutdown();
    expect(told).toEqual(['looked for']);
  });
});
