import type { Checklist } from './checklist.js';
import { expect } from './compose-test-error.js';
import type { ComposeProject } from './compose-project.js';
import { partitionsOfMembers } from './group-members.js';
import { PipelineClient, type Operation } from './pipeline-client.js';
import { until } from './until.js';

/** The number of orders of each of the two populates before the restart. */
const ORDERS = 10_000;
const ORDERS_AFTER_RESTART = 500;
const CONSUMERS = 4;
const PARTITIONS = 12;
const PAGE_SIZE = 100;
const SAVED_WITHIN_MS = 120_000;
const REBALANCED_WITHIN_MS = 90_000;
const APPS = ['producer', 'consumer', 'query-api', 'console'];

/** The steps of a user of docker-compose.yml, from the first `up` to `down`. Each step is a check. */
export class Scenario {
  private readonly pipeline: PipelineClient;

  constructor(
    private readonly project: ComposeProject,
    private readonly checklist: Checklist,
    private readonly signal: AbortSignal,
  ) {
    this.pipeline = new PipelineClient(project.ports, signal);
  }

  async run(): Promise<void> {
    await this.check('up: every service becomes healthy', () => this.project.up(1));
    await this.check('ports are published on 127.0.0.1 only', () => this.portsAreLocal());
    await this.check('the apps run as an ordinary user', () => this.appsAreUnprivileged());
    await this.check('requests without a token are rejected', () => this.rejectsWithoutToken());
    const operation = await this.check(`populate ${ORDERS}: accepted`, () => this.pipeline.populate(ORDERS));
    await this.check(`up --scale consumer=${CONSUMERS}: as many healthy containers`, () => this.scaleUp());
    await this.check(`the partitions are shared by ${CONSUMERS} members of the group`, () => this.groupIsShared());
    await this.check(`the console sees all ${CONSUMERS}, and serves its page`, () => this.consoleSeesAll());
    await this.check(`all ${ORDERS} are saved`, () => this.untilSaved(operation));
    await this.check(`${ORDERS} more are saved by all ${CONSUMERS}`, () => this.populateAndSave(ORDERS));
    await this.check('queried by range, each order is returned once', () => this.queryByRange(operation));
    await this.check('queried by page and by id', () => this.queryByPageAndId(operation));
    await this.check('no container had to be restarted', () => this.nothingWasRestarted());
    await this.check('stop: the apps drain and exit with 0', () => this.appsEndWell());
    await this.check('down and up again: orders, records and schemas still exist', () => this.restart(operation));
    await this.check('down --volumes', () => this.project.down(true));
  }

  private check<T>(name: string, run: () => Promise<T>): Promise<T> {
    return this.checklist.check(name, run);
  }

  private async portsAreLocal(): Promise<void> {
    const publishers = (await this.project.containers()).flatMap(({ Publishers }) => Publishers ?? []);
    const published = publishers.filter(({ PublishedPort }) => PublishedPort !== 0);
    const open = published.filter(({ URL }) => URL !== '127.0.0.1');
    expect(open.length === 0, `nothing is published elsewhere: ${JSON.stringify(open)}`);
    const chosen: readonly number[] = Object.values(this.project.ports);
    const other = published.filter(({ PublishedPort }) => !chosen.includes(PublishedPort));
    expect(other.length === 0, `only the ports that were set are published: ${JSON.stringify(other)}`);
  }

  private async rejectsWithoutToken(): Promise<void> {
    const status = await this.pipeline.statusWithoutToken();
    expect(status === 401, `a request without a token gets status 401, not ${status}`);
  }

  private async appsAreUnprivileged(): Promise<void> {
    for (const app of APPS) {
      const user = await this.project.exec(app, 'id', '--user');
      expect(user === '1000', `${app} runs as user 1000, not ${user}`);
    }
  }

  private async scaleUp(): Promise<void> {
    await this.project.up(CONSUMERS);
    const consumers = (await this.project.containers()).filter(({ Service }) => Service === 'consumer');
    const healthy = consumers.filter(({ Health }) => Health === 'healthy');
    expect(
      healthy.length === CONSUMERS,
      `${CONSUMERS} healthy consumers, not ${healthy.length} of ${consumers.length}`,
    );
  }

  private async groupIsShared(): Promise<void> {
    await until('A stable group in which every member owns partitions', REBALANCED_WITHIN_MS, this.signal, async () => {
      const shares = (await partitionsOfMembers(this.project.ports.KAFKA_PORT)) ?? [];
      const all = shares.reduce((sum, share) => sum + share, 0);
      return shares.length === CONSUMERS && !shares.includes(0) && all === PARTITIONS ? shares : undefined;
    });
  }

  private async consoleSeesAll(): Promise<void> {
    await until(`${CONSUMERS} consumers with all partitions`, REBALANCED_WITHIN_MS, this.signal, async () => {
      const seen = (await this.pipeline.consumersSeen()).filter((partitions) => partitions !== null);
      return seen.length === CONSUMERS && seen.flat().length === PARTITIONS ? seen : undefined;
    });
    const page = await this.pipeline.consolePage();
    expect(page.includes('<orders-console>'), `the console serves its page, not ${page.slice(0, 100)}`);
  }

  private async untilSaved({ id, count }: Operation): Promise<void> {
    const operation = await until(`${count} saved`, SAVED_WITHIN_MS, this.signal, async () => {
      const current = await this.pipeline.operation(id);
      return current.saved >= count || current.deadLettered > 0 ? current : undefined;
    });
    expect(operation.saved === count && operation.deadLettered === 0, `all saved: ${JSON.stringify(operation)}`);
  }

  private async populateAndSave(count: number): Promise<void> {
    await this.untilSaved(await this.pipeline.populate(count));
  }

  private async queryByRange({ firstNumber, count }: Operation): Promise<void> {
    const orders = await this.pipeline.range(firstNumber, firstNumber + count - 1);
    const ids = new Set(orders.map(({ id }) => id));
    expect(ids.size === count && orders.length === count, `${count} orders, not ${orders.length} with ${ids.size} ids`);
    const misplaced = orders.findIndex(({ number }, index) => number !== firstNumber + index);
    expect(misplaced === -1, `numbers are consecutive; the first wrong one is at index ${misplaced}`);
  }

  private async queryByPageAndId({ firstNumber }: Operation): Promise<void> {
    const last = (2 * ORDERS) / PAGE_SIZE;
    for (const page of [1, last]) {
      const items = await this.pipeline.page(page, PAGE_SIZE);
      expect(items.length === PAGE_SIZE, `page ${page} has ${PAGE_SIZE} orders, not ${items.length}`);
      const first = firstNumber + (page - 1) * PAGE_SIZE;
      expect(items[0]?.number === first, `page ${page} begins with number ${first}, not ${items[0]?.number}`);
      for (const order of items.slice(-2)) {
        const found = await this.pipeline.order(order.id);
        const forwarded = await this.pipeline.orderThroughConsole(order.id);
        expect(forwarded.number === order.number, `the console forwards order ${order.id}`);
        expect(found.number === order.number, `order ${order.id} has number ${order.number}, not ${found.number}`);
      }
    }
    expect((await this.pipeline.page(last + 1, PAGE_SIZE)).length === 0, 'the page past the end is empty');
  }

  /** Checks the restart counts: a service that crashes at start and is restarted becomes healthy too. */
  private async nothingWasRestarted(): Promise<void> {
    const restarts = await this.project.restarts();
    expect(
      restarts.every((count) => count === 0),
      `no restarts, not ${restarts.join(' ')}`,
    );
  }

  private async appsEndWell(): Promise<void> {
    await this.project.stop(...APPS);
    const ended = (await this.project.containers()).filter(({ Service }) => APPS.includes(Service));
    const expected = CONSUMERS + APPS.length - 1;
    const codes = ended.map(({ Service, ExitCode }) => `${Service} ${ExitCode}`);
    const well = ended.length === expected && ended.every(({ ExitCode }) => ExitCode === 0);
    expect(well, `${expected} containers exit with 0: ${codes.join(', ')}`);
  }

  /** Checks that the data survives in the volumes, which `down` without --volumes keeps. */
  private async restart(before: Operation): Promise<void> {
    await this.project.down(false);
    await this.project.up(1);
    const { saved } = await this.pipeline.operation(before.id);
    expect(saved === before.count, `the first ${before.count} are still saved, not ${saved}`);
    await this.populateAndSave(ORDERS_AFTER_RESTART);
  }
}
