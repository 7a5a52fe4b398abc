import { describe, expect, it } from '@jest/globals';
import type { ArchivedList } from '#orders/archive/archived-list.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { Heartbeat } from './heartbeat.js';
import type { OrdersConsumer } from '../consume/orders-consumer.js';
import { Rebalances } from '../consume/rebalances.js';
import type { SavedReports } from './saved-reports.js';
import type { InFlightOverride } from '../consume/in-flight-override.js';

const REPORTS = { flush: async () => undefined } as unknown as SavedReports;
const SAVERS = { status: { partitions: [] } } as unknown as OrdersConsumer;

interface Recorded {
  readonly calls: string[];
  readonly heartbeat: Heartbeat;
}

/** Creates the heartbeat of a consumer whose database gives this response to every call. */
function heartbeatWith(response: Promise<unknown>): Recorded {
  const calls: string[] = [];
  const record = (call: string) => async (): Promise<unknown> => {
    calls.push(call);
    return response;
  };
  const collection = { updateOne: record('write'), deleteOne: record('remove') };
  const mongo = { db: { collection: () => collection } } as unknown as Mongo;
  const inFlight = { set: 100, poll: record('poll') } as unknown as InFlightOverride;
  const archived = { refresh: record('poll archived') } as unknown as ArchivedList;
  return { calls, heartbeat: new Heartbeat(mongo, SAVERS, new Rebalances(), inFlight, REPORTS, archived) };
}

describe('heartbeat of a consumer that shuts down', () => {
  it('is removed after the last one was written', async () => {
    const { calls, heartbeat } = heartbeatWith(Promise.resolve());
    heartbeat.onApplicationBootstrap();
    await heartbeat.onApplicationShutdown();
    expect(calls).toEqual(['poll', 'poll archived', 'write', 'remove']);
  });

  it('is not removed if the database does not respond, and the consumer shuts down anyway', async () => {
    const { calls, heartbeat } = heartbeatWith(new Promise(() => undefined));
    heartbeat.onApplicationBootstrap();
    await heartbeat.onApplicationShutdown();
    expect(calls).toEqual(['poll']);
  });
});
