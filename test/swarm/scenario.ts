import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checklist } from '../compose/checklist.js';
import { GatewayChecks } from './gateway-checks.js';
import { GatewayClient } from './gateway-client.js';
import type { Operator } from './operator.js';
import { describeLoad, failuresOf } from './load-report.js';
import { MonitoringChecks } from './monitoring-checks.js';
import { OrderChecks } from './order-checks.js';
import { Refusals } from './refusals.js';
import { Removal } from './removal.js';
import { ROLLED_BACK_WITHIN_S, RollingUpdate } from './rolling-update.js';
import { ScalerChecks } from './scaler-checks.js';
import { ServerFaults } from './server-faults.js';
import { SwarmLoad } from './swarm-load.js';
import type { Group, SwarmOptions } from './swarm-options.js';

export const PORTS = { gateway: 18_443, issuer: 18_444 } as const;
const ORDERS = 10_000;
const UP_WITHIN_S = 300;
const CONSUMERS = 4;

/** The steps of an operator of deploy/swarm, from an empty swarm to an empty swarm. Each step is a check. */
export class Scenario {
  private readonly refusals: Refusals;
  private readonly removal: Removal;
  private readonly scaler: ScalerChecks;
  private readonly faults: ServerFaults;
  private readonly rollingUpdate: RollingUpdate;
  private gateway: GatewayClient | undefined;
  private load: SwarmLoad | undefined;
  private readonly failures: unknown[] = [];

  constructor(
    private readonly operator: Operator,
    private readonly options: SwarmOptions,
    private readonly print: (line: string) => void,
  ) {
    this.refusals = new Refusals(operator, PORTS.gateway);
    this.removal = new Removal(operator, print);
    this.scaler = new ScalerChecks(operator);
    this.faults = new ServerFaults(operator);
    this.rollingUpdate = new RollingUpdate(operator, options.services, print);
  }

  async run(checklist: Checklist): Promise<void> {
    const check = checklist.check.bind(checklist);
    try {
      await this.refuse(check);
      await this.deploy(check);
      await this.whileItRuns(check);
      await check('every accepted order is saved, and reconcile holds', () => this.nothingIsLost());
    } finally {
      await this.gateway?.close();
    }
    await check('down: every task ends, and nothing is left but the volumes', () => this.removal.down());
    await check('down --volumes: nothing is left', () => this.removal.downVolumes());
    assert.deepEqual(this.failures, []);
  }

  /** The groups do not depend on each other, so that one run shows all that fails. Each failed check has been printed and counted. */
  private async whileItRuns(check: Checklist['check']): Promise<void> {
    this.load = new SwarmLoad(this.client, this.options.rates);
    await check('clients begin: the new tasks keep up with them', () => this.running.isWarm());
    const groups: Record<Group, () => Promise<void>> = {
      update: async () => this.update(check),
      fail: async () => this.fail(check),
      scale: async () => this.scale(check),
      rotate: async () => this.rotate(check),
      backup: async () => this.backUp(check),
    };
    for (const name of this.options.groups) await groups[name]().catch((error: unknown) => this.failures.push(error));
  }

  private async refuse(check: Checklist['check']): Promise<void> {
    await check('up refuses: no engine', () => this.refusals.noSwarmOrEngine());
    await check('up refuses: no swarm', () => this.refusals.noSwarm());
    await check('docker swarm init', () => this.operator.docker('swarm', 'init', '--advertise-addr', '127.0.0.1'));
    await check('up refuses: missing labels, all at once', () => this.refusals.missingLabel());
    await check('up refuses: a missing secret', () => this.refusals.missingSecret());
    await check('up refuses: the public key of the repository', () => this.refusals.demoKey());
    await check('up refuses: a development issuer beside another, or for other machines', () =>
      this.refusals.devIssuer(),
    );
    await check('up refuses: a port in use', () => this.refusals.portInUse());
    await check('up refuses: an expired certificate', () => this.refusals.expiredCertificate());
    await check('up refuses: a node without room', () => this.refusals.noRoom());
    await check('up refuses: an image that is nowhere', () => this.refusals.missingImage());
  }

  private async deploy(check: Checklist['check']): Promise<void> {
    await check(`up: everything is healthy within ${UP_WITHIN_S} s`, async () => {
      const startedAt = performance.now();
      this.print(await this.operator.run('up', ['--nodes', 'self']));
      const seconds = (performance.now() - startedAt) / 1_000;
      assert.ok(seconds < UP_WITHIN_S, `it took ${seconds.toFixed(0)} s`);
      assert.match(await this.operator.run('status'), /^query-api +2\/2/m);
    });
    await check('up again: nothing changes', async () => {
      const before = await this.operator.tasks();
      this.print(await this.operator.run('up'));
      assert.deepEqual(await this.operator.tasks(), before);
    });
    const authority = join(this.operator.state, 'secrets', 'authority.pem');
    const client = new GatewayClient(
      `https://localhost:${PORTS.gateway}`,
      `https://localhost:${PORTS.issuer}`,
      authority,
    );
    this.gateway = client;
    await check('the issuer grants a token through the gateway', () => client.signIn());
    const checks = new GatewayChecks(client);
    await check('the gateway: one origin, tokens, limits, nothing internal', () => checks.all());
    await check('servers refuse clients without TLS, a user, or a right', () => this.faults.serversAreSecured());
    await check(`populate ${ORDERS}: all are saved`, () => this.orders.populate(ORDERS));
    await check('Prometheus reaches every service, and every certificate', () =>
      new MonitoringChecks(this.operator).reachesAll(),
    );
  }

  private async update(check: Checklist['check']): Promise<void> {
    await check(`rolling update of ${this.rollingUpdate.title} under load: 0 failed reads`, async () => {
      this.running.take();
      await this.rollingUpdate.rollAll();
      await this.reportLoad('rolling update', true);
    });
    await check(`a broken image: rolled back within ${ROLLED_BACK_WITHIN_S} s, 0 failed reads`, async () => {
      await this.rollingUpdate.rollBack();
      await this.reportLoad('broken image', true);
    });
  }

  private async fail(check: Checklist['check']): Promise<void> {
    await check('a broker is killed: orders are accepted, and it comes back', async () => {
      this.running.take();
      await this.faults.killBroker();
      await this.reportLoad('kill of a broker', false);
    });
    await check('the primary of MongoDB is killed: another one takes over', async () => {
      await this.faults.killPrimary();
      await this.reportLoad('kill of the primary', false);
    });
  }

  private async scale(check: Checklist['check']): Promise<void> {
    this.running.take();
    await check(`service scale consumer=${CONSUMERS}: the console sees as many`, async () => {
      await this.operator.docker('service', 'scale', `orders_consumer=${CONSUMERS}`);
      await this.orders.consoleSees(CONSUMERS);
    });
    await check('swarm-scaler: needs its token', () => this.scaler.needsToken());
    await check('swarm-scaler: keeps its bounds', () => this.scaler.keepsBounds());
    await check('swarm-scaler: sets the replicas, and nothing else', () => this.scaler.scales(CONSUMERS - 1));
    await check('the autoscaler sets the consumers through swarm-scaler', () =>
      this.scaler.autoscales(this.client, CONSUMERS),
    );
    await this.reportLoad('scaling', true);
  }

  private async rotate(check: Checklist['check']): Promise<void> {
    await check('rotate user:query-api under load: 0 failed reads, and the user before is gone', async () => {
      this.running.take();
      this.print(await this.operator.run('rotate', ['user:query-api']));
      await this.faults.userIsGone('orders-query-api-1', 'orders-query-api-2');
      await this.reportLoad('rotation', true);
    });
  }

  private async backUp(check: Checklist['check']): Promise<void> {
    await check('backup: a complete folder', async () => {
      const folder = join(this.operator.directory, 'backup');
      this.print(await this.operator.run('backup', [folder]));
      const files = new Set([...(await readdir(join(folder, 'database'))), ...(await readdir(folder))]);
      for (const name of ['manifest.json', 'schemas.zip']) assert.ok(files.has(name), `${name} is in the backup`);
      await rm(folder, { recursive: true });
    });
  }

  private async reportLoad(title: string, mustBeComplete: boolean): Promise<void> {
    const figures = this.running.take();
    this.print(`${title}: ${describeLoad(figures)}`);
    if (mustBeComplete) assert.deepEqual(failuresOf(figures), []);
  }

  private async nothingIsLost(): Promise<void> {
    await this.running.stop();
    this.print(`${this.running.accepted.toLocaleString('en-US')} orders were accepted`);
    for (const [id, count] of this.running.operations) await this.orders.isSaved(id, count);
  }

  private get client(): GatewayClient {
    assert.ok(this.gateway, 'the gateway is up');
    return this.gateway;
  }

  private get orders(): OrderChecks {
    return new OrderChecks(this.operator, this.client, this.print);
  }

  private get running(): SwarmLoad {
    assert.ok(this.load, 'the load runs');
    return this.load;
  }
}
