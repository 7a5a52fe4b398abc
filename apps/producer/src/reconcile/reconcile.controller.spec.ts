import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KafkaPositions } from '#service/kafka/kafka-clients.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { ReconcileController, ReconciliationPlaces } from './reconcile.controller.js';

const ID = '01935c9e-8a00-7000-8000-000000000001';

/** Kafka never answers, so that a reconciliation is in progress until its client disconnects. */
describe('reconciliations in progress', () => {
  let controller: ReconcileController;
  let places: ReconciliationPlaces;

  beforeEach(() => {
    const positions = { committed: async () => new Promise<never>(() => undefined) } as unknown as KafkaPositions;
    places = new ReconciliationPlaces({ RECONCILIATIONS_PER_CALLER: 2, RECONCILIATIONS_IN_TOTAL: 3 });
    controller = new ReconcileController({} as Mongo, positions, places);
  });

  /** @returns the connection of the client, and the problem of the response if there is one already */
  async function request(ip: string): Promise<{ readonly connection: EventEmitter; readonly problem: unknown }> {
    const connection = Object.assign(new EventEmitter(), { destroyed: false });
    const reply = { raw: connection } as unknown as FastifyReply;
    const response = controller.reconcileOperation(ID, { ip, caller: null } as FastifyRequest, reply);
    const problem: unknown = await Promise.race([response.catch((error: unknown) => error), setImmediate()]);
    return { connection, problem };
  }

  it('are limited for each caller and in total, waiting ones too: too-many-reconciliations', async () => {
    const [first, second, third] = [await request('ann'), await request('ann'), await request('bob')];
    expect([first.problem, second.problem, third.problem]).toEqual([undefined, undefined, undefined]);
    const code = 'too-many-reconciliations';
    expect((await request('ann')).problem).toMatchObject({ status: 429, code, headers: { 'Retry-After': '5' } });
    expect((await request('eve')).problem).toMatchObject({ status: 503, code, headers: { 'Retry-After': '5' } });
    first.connection.emit('close');
    expect((await request('eve')).problem).toBeUndefined();
    expect(places.count).toBe(3);
  });
});
