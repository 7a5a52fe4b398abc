import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AcceptedOrders } from '../../apps/producer/src/order-api/orders-request.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from '../support/eventually.js';
import { intakeOrder } from '../support/sent-orders.js';
import { BACK, FORWARD, currentRelease, PREVIOUS_VERSION, providePreviousRelease, type Release } from './fleet.js';
import { UpgradedDeployment } from './upgraded-deployment.js';

/** A schema registry that registers every schema and knows none of those that producers have registered at the right one. */
class WrongRegistry {
  private constructor(
    private readonly server: Server,
    /** The setting SCHEMA_REGISTRY_URL. */
    readonly url: string,
  ) {}

  static async start(): Promise<WrongRegistry> {
    const server = createServer(({ method = '', url = '' }, response) => {
      const [status, body] = answer(method, url);
      response
        .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
        .end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new WrongRegistry(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function answer(method: string, url: string): [number, object] {
  if (url.includes('/config/')) return [200, { compatibilityLevel: 'BACKWARD' }];
  if (method === 'POST' && url.includes('/subjects/')) return [200, { id: 999_999 }];
  return [404, { error_code: 40_403, message: 'Schema not found' }];
}

const DATA_SET = 15_000;
/** All but the duplicates become dead letters, which no redrive repairs. */
const FAULTS = { oversized: 0.002, poison: 0.005, conflict: 0.005, duplicate: 0.01 };
/** Orders whose consumers use a wrong registry: dead letters, which a redrive repairs afterwards. */
const REPAIRABLE = 200;

describe(`a rolling upgrade from ${PREVIOUS_VERSION}, and back`, () => {
  const current = currentRelease();
  let previous: Release;
  let deployment: UpgradedDeployment;
  /** The operation of the repairable dead letters. */
  let repairable: string;

  beforeAll(async () => {
    previous = await providePreviousRelease();
    deployment = await UpgradedDeployment.onEmptyServers();
  });

  afterAll(async () => {
    await deployment?.end();
  });

  it('starts from the version before the current one in CHANGELOG.md', () => {
    const changelog = readFileSync(join(PROJECT_DIRECTORY, 'CHANGELOG.md'), 'utf8');
    const released = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\]/gm)].map(([, version]) => version);
    expect(released.find((version) => version !== current.version)).toBe(PREVIOUS_VERSION);
  });

  it('has a data set that the previous version has made', async () => {
    const { fleet, note } = deployment;
    const wrong = await WrongRegistry.start();
    await fleet.start(previous, { consumer: { SCHEMA_REGISTRY_URL: wrong.url } });
    repairable = await deployment.populate({ count: REPAIRABLE });
    await Promise.all((['consumer-1', 'consumer-2'] as const).map(async (name) => fleet.replace(name, previous)));
    await wrong.stop();
    await deployment.populate({ count: DATA_SET, faults: FAULTS, seed: 24 });
    const letters = await deployment.pendingLetters();
    note(`data set of ${previous.version}: ${DATA_SET + REPAIRABLE} orders, ${letters} dead letters`);
    expect(letters).toBeGreaterThan(REPAIRABLE);
    expect((await deployment.retiredIndexes()).toSorted()).toEqual(['operationId_index', 'tries_sent']);
  });

  it('replaces each service under load: nothing is lost, and a retry cures every failed request', async () => {
    await deployment.underLoad(async () => {
      const migrated = await deployment.run('npm run admin -- migrate');
      expect(migrated).toMatchObject({ code: 0, stderr: '' });
      expect(migrated.stdout).toContain('index tries_sent of deadLetters is not used by this version');
      deployment.note('npm run admin -- migrate');
      expect((await deployment.run('npm run admin -- topics plan')).code).toBeLessThan(2);
      expect(await deployment.run('npm run admin -- topics apply')).toMatchObject({ code: 0 });
      expect(await deployment.run('npm run admin -- topics plan')).toMatchObject({ code: 0 });
      deployment.note('npm run admin -- topics apply');
      await deployment.replaceAll(FORWARD, current);
    });
  });

  it('is complete then: reconcile holds, and a foreign reader finds every order once', async () => {
    await deployment.allHold();
    const [first = ''] = deployment.operations;
    expect(await deployment.run('npm run reconcile -- OPERATION', { OPERATION: first })).toMatchObject({ code: 0 });
    expect(await deployment.run('npm run orders -- operations')).toMatchObject({ code: 0 });
    const place = { 'localhost:3002': new URL(deployment.fleet.url('console-1')).host };
    await eventually('the lag is 0', async () => {
      const { stdout } = await deployment.run('curl -s localhost:3002/v1/pipeline', place);
      return (JSON.parse(stdout) as { readonly lagRecords: number | null }).lagRecords === 0;
    });
    await deployment.nothingIsLost();
  });

  it('goes back under load, with orders that only the current version can receive', async () => {
    const { producer, queryApi } = deployment.clients;
    const received = await producer.post<AcceptedOrders>('/v1/orders', [intakeOrder(), intakeOrder()]);
    expect(received.status).toBe(202);
    const { operationId, items } = received.body;
    await deployment.underLoad(async () => deployment.replaceAll(BACK, previous));
    for (const { id } of items) expect((await queryApi.get(`/v1/orders/${id}`)).status).toBe(200);
    // As CHANGELOG.md says.
    const intake = await producer.get<OperationResponse>(`/v1/operations/${operationId}`);
    expect(intake).toMatchObject({ status: 200, body: { kind: 'intake', status: 'succeeded', count: 2, acked: 0 } });
    deployment.operations.add(operationId);
  });

  it('is complete then too, by the tools of the current version', async () => {
    const ids = [...deployment.operations];
    for (const id of [ids.at(0), ...ids.slice(-2)])
      expect(await deployment.run('npm run reconcile -- OPERATION', { OPERATION: id ?? '' })).toMatchObject({
        code: 0,
      });
    await deployment.nothingIsLost();
  });

  it('goes forward again, and drops what it does not use; the previous version makes that anew', async () => {
    expect(await deployment.run('npm run admin -- migrate')).toMatchObject({ code: 0 });
    await deployment.replaceAll(FORWARD, current);
    expect(await deployment.run('npm run admin -- migrate --drop')).toMatchObject({ code: 0, stderr: '' });
    expect(await deployment.retiredIndexes()).toEqual([]);
    await deployment.fleet.replace('producer-2', previous);
    expect(await deployment.retiredIndexes()).toContain('tries_sent');
    await deployment.populate({ count: 1_000 });
    await deployment.fleet.replace('producer-2', current);
    await deployment.redriveRest(repairable);
    await deployment.allHold();
    await deployment.nothingIsLost();
  });
});
