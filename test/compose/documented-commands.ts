import assert from 'node:assert/strict';
import { documented, replaceAll } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import type { ComposeProject } from './compose-project.js';

/** The password of MongoDB's administrator, in its container. */
const AS_ROOT =
  'docker compose exec mongodb mongosh --quiet -u root -p "$(docker compose exec mongodb cat /run/mongodb/root-password)"';
const IN_MONGOSH: readonly string[] = [
  'rs.status()',
  'db.currentOp()',
  'db.currentOp({ active: true, secs_running: { $gt: 60 } })',
  'db.stats()',
  'db.adminCommand({ replSetResizeOplog: 1, size: 51200, minRetentionHours: 48 })',
  'rs.printReplicationInfo()',
  'rs.printSecondaryReplicationInfo()',
];

/** Runs the commands of the pages for operators that need Docker Compose, in a running project. */
export class DocumentedComposeCommands {
  constructor(private readonly project: ComposeProject) {}

  async upAndScaled(): Promise<void> {
    await this.run('docker compose --profile dev up --detach --wait');
    await this.run('docker compose --profile dev up --detach --wait --scale consumer=4');
  }

  async showContainersAndLogs(): Promise<void> {
    assert.match(await this.run('docker compose ps --all'), /producer/);
    assert.match(await this.run('docker compose logs --tail 500 SERVICE', { SERVICE: 'producer' }), /\{/);
    await this.run('docker compose logs --tail 50 consumer');
    await this.run('docker compose logs --since 2m consumer');
    assert.match(await this.run('docker compose logs consumer | grep -i rebalance'), /rebalance/i);
    assert.match(await this.run('docker stats --no-stream'), /CPU/);
    const [first] = await this.project.containers();
    const killed = "docker inspect --format '{{.State.OOMKilled}}' CONTAINER";
    assert.equal(await this.run(killed, { CONTAINER: first?.ID ?? '' }), 'false');
  }

  async openKafkaAndMongodb(): Promise<void> {
    assert.notEqual(await this.run('docker compose exec producer cat /run/apps/kafka-password'), '');
    const topics = await this.run(
      'docker compose exec kafka /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:19092 --command-config /run/kafka/admin.properties --list',
    );
    assert.match(topics, /^orders\.v1$/m);
    for (const command of IN_MONGOSH) await this.inMongosh(documented(command));
    await this.inMongosh("db.getSiblingDB('orders').probes.createIndex({ a: 1 }, { name: 'a' })");
    const drop = replaceAll(documented("db.COLLECTION.dropIndex('NAME')"), { COLLECTION: 'probes', NAME: 'a' });
    await this.inMongosh(`db = db.getSiblingDB('orders'); ${drop}`);
  }

  /** Moves a partition of the group to its first record. All of them are saved: reading them again is harmless. */
  async moveGroup(): Promise<void> {
    await this.run('docker compose stop consumer');
    const move =
      'docker compose exec kafka /opt/kafka/bin/kafka-consumer-groups.sh --bootstrap-server kafka:19092 --command-config /run/kafka/admin.properties --group orders-savers --topic orders.v1:PARTITION --reset-offsets --to-offset OFFSET --execute';
    assert.match(await this.run(move, { 'v1:PARTITION': 'v1:3', 'offset OFFSET': 'offset 0' }), /orders\.v1/);
    await this.run('docker compose start consumer');
    await this.healthy('consumer');
  }

  /** Leaves the services as `upAndScaled` does. */
  async stopAndStart(): Promise<void> {
    await this.run('docker compose stop producer consumer');
    await this.run('docker compose up -d producer');
    await this.run('docker compose up -d query-api');
    await this.run('docker compose up -d console');
    await this.run('docker compose up -d --scale consumer=1');
    for (const service of ['producer', 'consumer', 'query-api', 'console']) await this.healthy(service);
    await this.run('docker compose --profile dev up --detach --wait --scale consumer=4');
  }

  async down(): Promise<void> {
    await this.run('docker compose --profile dev down --volumes');
  }

  private async healthy(service: string): Promise<void> {
    await eventually(`${service} is healthy`, async () => {
      const containers = (await this.project.containers()).filter(({ Service }) => Service === service);
      return containers.length > 0 && containers.every(({ Health }) => Health === 'healthy');
    });
  }

  private async run(command: string, replacing: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.project.shell(replaceAll(documented(command), replacing));
  }

  /** Types a line into the shell that the page opens, which ends with 0 also after an error. */
  private async inMongosh(line: string): Promise<void> {
    const output = await this.project.shell(documented(AS_ROOT), `${line}\n`);
    assert.doesNotMatch(output, /\w+Error/, line);
  }
}
