import assert from 'node:assert/strict';
import kafkajs from 'kafkajs';
import { systemClock } from '@orders-pipeline/clock';
import { ProducerClient } from '../../apps/cli/src/producer/producer-client.js';
import { eventually } from '../support/eventually.js';
import type { Checklist } from './checklist.js';
import type { ComposeProject } from './compose-project.js';
import { DocumentedComposeCommands } from './documented-commands.js';
import { OrderQueries } from './order-queries.js';
import type { PrivateEngine } from './private-engine.js';
import { APPS, clientOptions, ProtectionChecks, urlOf } from './protection-checks.js';

/** The number of orders of each of the two populates before the restart. */
const ORDERS = 10_000;
const ORDERS_AFTER_RESTART = 500;
const CONSUMERS = 4;
const PARTITIONS = 12;
/** The public client of the development issuer. */
const CREDENTIALS = { client: { id: 'orders-demo', secret: 'orders-demo-secret' } };

/** The fields of the responses that the run reads. */
type Operation = Record<'count' | 'firstNumber' | 'saved' | 'deadLettered', number> & { readonly id: string };
interface Pipeline {
  readonly consumers: readonly { readonly partitions: readonly number[] | null }[];
}

/** The steps of a user of docker-compose.yml, from the first `up` to `down`. Each step is a check. */
export class Scenario {
  private readonly producer: ProducerClient;
  private readonly console: ProducerClient;
  private readonly queries: OrderQueries;
  private readonly protection: ProtectionChecks;
  private readonly documented: DocumentedComposeCommands;

  constructor(
    private readonly engine: PrivateEngine,
    private readonly project: ComposeProject,
    private readonly signal: AbortSignal,
  ) {
    this.protection = new ProtectionChecks(engine, project, signal);
    this.documented = new DocumentedComposeCommands(project);
    const { PRODUCER_PORT, QUERY_API_PORT, CONSOLE_PORT } = project.ports;
    const timing = { clock: systemClock, random: Math.random };
    this.producer = new ProducerClient(urlOf(PRODUCER_PORT), timing, CREDENTIALS);
    this.console = new ProducerClient(urlOf(CONSOLE_PORT), timing, CREDENTIALS);
    this.queries = new OrderQueries(new ProducerClient(urlOf(QUERY_API_PORT), timing, CREDENTIALS), this.console);
  }

  async run(checklist: Checklist): Promise<void> {
    const check = checklist.check.bind(checklist);
    await check('the image of the apps has no development issuer', () => this.protection.imageLacksIssuer());
    await check('up without an issuer: nothing starts, and one line says why', () => this.protection.needsIssuer());
    await check('up: every service becomes healthy', () => this.project.up(1));
    await check('ports are published on 127.0.0.1 only', () => this.protection.portsAreLocal());
    await check('the apps run as an ordinary user', () => this.protection.appsAreUnprivileged());
    await check('requests without a token are rejected', () => this.protection.rejectsWithoutToken());
    await check('Kafka and MongoDB reject clients without a password', () => this.protection.serversNeedPasswords());
    const operation = await check(`populate ${ORDERS}: accepted`, () => this.populate(ORDERS));
    await check('the documented commands: up, and scale', () => this.documented.upAndScaled());
    await check(`up --scale consumer=${CONSUMERS}: as many healthy containers`, () => this.scaleUp());
    await check(`the partitions are shared by ${CONSUMERS} members of the group`, () => this.groupIsShared());
    await check(`the console sees all ${CONSUMERS}, and serves its page`, () => this.consoleSeesAll());
    await check(`all ${ORDERS} are saved`, () => this.allAreSaved(operation));
    await check(`${ORDERS} more are saved by all ${CONSUMERS}`, () => this.populateAndSave(ORDERS));
    await check('queried by range, each order is returned once', () => this.queries.byRange(operation));
    await check('queried by page and by id', () => this.queries.byPageAndId(operation.firstNumber, 2 * ORDERS));
    await check('reconcile in a container finds every order', () => this.reconciles(operation));
    await check('the operator gets in by the files of the containers', () => this.protection.operatorGetsIn());
    await check('the documented commands: containers and logs', () => this.documented.showContainersAndLogs());
    await check('the documented commands: Kafka and MongoDB', () => this.documented.openKafkaAndMongodb());
    await check('the documented commands: move the group', () => this.documented.moveGroup());
    await check('the documented commands: stop and start services', () => this.documented.stopAndStart());
    await check('no container had to be restarted', () => this.nothingWasRestarted());
    await check('stop: the apps drain and exit with 0', () => this.appsEndWell());
    await check('down, and up with the legacy system: orders, records and schemas still exist', () =>
      this.restart(operation),
    );
    await check('the facade answers clients with a key only', () => this.protection.facadeNeedsKey());
    await check('down --volumes', async () => {
      await this.documented.down();
      // The legacy system is in another profile.
      await this.project.run('down', '--volumes');
    });
    await check('no container, network or volume is left', () => this.nothingIsLeft());
  }

  private async reconciles({ id }: Operation): Promise<void> {
    const command = ['node', 'dist/apps/reconcile/src/main.js', id];
    await this.project.run('exec', '--no-TTY', 'producer', ...command);
  }

  private async populate(count: number): Promise<Operation> {
    const headers = { 'content-type': 'application/json' };
    const body = (): string => JSON.stringify({ count });
    return this.producer.request({ method: 'POST', path: '/v1/populate', headers, body });
  }

  private async operation(id: string): Promise<Operation> {
    return this.producer.request({ method: 'GET', path: `/v1/operations/${id}` });
  }

  private async scaleUp(): Promise<void> {
    await this.project.up(CONSUMERS);
    const consumers = (await this.project.containers()).filter(({ Service }) => Service === 'consumer');
    assert.deepEqual(
      consumers.map(({ Health }) => Health),
      Array.from({ length: CONSUMERS }, () => 'healthy'),
    );
  }

  /** Connects from the host, which also tests Kafka's second listener. */
  private async groupIsShared(): Promise<void> {
    const login = {
      mechanism: 'plain',
      username: 'orders',
      password: await this.protection.secret('producer', '/run/apps/kafka-password'),
    } as const;
    const admin = new kafkajs.Kafka({ ...clientOptions(this.project.ports.KAFKA_PORT), sasl: login }).admin();
    await admin.connect();
    try {
      await this.eventually('a stable group in which each member owns partitions', async () => {
        const [group] = (await admin.describeGroups(['orders-savers'])).groups;
        if (group?.state !== 'Stable') return false;
        const shares = group.members.map(({ memberAssignment }) => {
          const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
          return Object.values(decoded?.assignment ?? {}).flat().length;
        });
        const all = shares.reduce((sum, share) => sum + share, 0);
        return shares.length === CONSUMERS && !shares.includes(0) && all === PARTITIONS;
      });
    } finally {
      await admin.disconnect();
    }
  }

  private async consoleSeesAll(): Promise<void> {
    await this.eventually(`the console sees ${CONSUMERS} consumers with all partitions`, async () => {
      const { consumers } = await this.console.request<Pipeline>({ method: 'GET', path: '/v1/pipeline' });
      // `null`: the heartbeats of a former consumer have stopped.
      const seen = consumers.flatMap(({ partitions }) => (partitions === null ? [] : [partitions]));
      return seen.length === CONSUMERS && seen.flat().length === PARTITIONS;
    });
    const page = await fetch(`${this.console.url}/`, { signal: this.signal });
    assert.match(await page.text(), /<orders-console>/);
  }

  private async allAreSaved({ id, count }: Operation): Promise<void> {
    await this.eventually(`${count} orders are saved`, async () => {
      const { saved, deadLettered } = await this.operation(id);
      assert.equal(deadLettered, 0);
      return saved === count;
    });
  }

  private async populateAndSave(count: number): Promise<void> {
    await this.allAreSaved(await this.populate(count));
  }

  /** Checks the restart counts: a service that crashes at start and is restarted becomes healthy too. */
  private async nothingWasRestarted(): Promise<void> {
    const containers = await this.project.containers();
    const counts = await this.engine.docker([
      'inspect',
      '--format',
      '{{.RestartCount}}',
      ...containers.map(({ ID }) => ID),
    ]);
    assert.deepEqual(
      counts.split('\n'),
      containers.map(() => '0'),
    );
  }

  private async appsEndWell(): Promise<void> {
    await this.project.run('stop', ...APPS);
    const ended = (await this.project.containers()).filter(({ Service }) => APPS.includes(Service));
    assert.equal(ended.length, APPS.length - 1 + CONSUMERS);
    assert.deepEqual(
      ended.filter(({ ExitCode }) => ExitCode !== 0),
      [],
    );
  }

  /** Checks that the data survives in the volumes, which `down` without --volumes keeps. */
  private async restart(before: Operation): Promise<void> {
    await this.project.run('down');
    await this.project.up(1, ['dev', 'legacy']);
    assert.equal((await this.operation(before.id)).saved, before.count);
    await this.populateAndSave(ORDERS_AFTER_RESTART);
  }

  private async nothingIsLeft(): Promise<void> {
    assert.equal(await this.engine.docker(['ps', '--all', '--quiet']), '');
    assert.equal(await this.engine.docker(['network', 'ls', '--quiet', '--filter', 'type=custom']), '');
    assert.equal(await this.engine.docker(['volume', 'ls', '--quiet']), '');
  }

  /** Like the function, and ends when the run is interrupted. */
  private async eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
    await eventually(what, () => {
      this.signal.throwIfAborted();
      return condition();
    });
  }
}
