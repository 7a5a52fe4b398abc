import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs, { type KafkaConfig } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { KafkaTools } from '../support/foreign-clients/kafka-tools.js';
import type { ComposeProject } from './compose-project.js';
import type { PrivateEngine } from './private-engine.js';

export const APPS = ['producer', 'consumer', 'query-api', 'console'];
/** The public key of the legacy system's clients: docs/migration.md. */
const DEMO_KEY = 'demo-key-of-the-legacy-api-clients';

/** What docker-compose.yml refuses: to strangers, and to an operator who has set no issuer. */
export class ProtectionChecks {
  constructor(
    private readonly engine: PrivateEngine,
    private readonly project: ComposeProject,
    private readonly signal: AbortSignal,
  ) {}

  async portsAreLocal(): Promise<void> {
    const publishers = (await this.project.containers()).flatMap(({ Publishers }) => Publishers ?? []);
    const published = publishers.filter(({ PublishedPort }) => PublishedPort !== 0);
    const expected = Object.values(this.project.ports).map((port) => `127.0.0.1:${port}`);
    assert.deepEqual(new Set(published.map(({ URL, PublishedPort }) => `${URL}:${PublishedPort}`)), new Set(expected));
  }

  async imageLacksIssuer(): Promise<void> {
    const list = ['ls', 'dist/apps', 'node_modules'];
    const found = (await this.engine.docker(['run', '--rm', '--network', 'none', 'orders-pipeline', ...list])).split(
      '\n',
    );
    assert.deepEqual(
      ['producer', 'kafkajs', 'dev-issuer', 'oidc-provider'].map((name) => found.includes(name)),
      [true, true, false, false],
    );
  }

  async needsIssuer(): Promise<void> {
    await assert.rejects(
      this.project.runWith([], 'up', '--pull', 'never', '--detach'),
      /service "settings" didn't complete/,
    );
    assert.match(
      await this.project.run('logs', '--no-log-prefix', 'settings'),
      /^AUTH_ISSUER is not set: set it to .+$/,
    );
    const started = (await this.project.containers()).filter(({ State }) => State === 'running');
    assert.deepEqual(started, []);
    await this.project.run('down', '--volumes');
  }

  async serversNeedPasswords(): Promise<void> {
    const { KAFKA_PORT, MONGODB_PORT } = this.project.ports;
    const admin = new kafkajs.Kafka({ ...clientOptions(KAFKA_PORT), retry: { retries: 0 } }).admin();
    // Connecting alone asks only for the versions of requests, which needs no password.
    await admin.connect();
    await assert.rejects(admin.listTopics());
    await admin.disconnect();
    const mongo = new MongoClient(`mongodb://127.0.0.1:${MONGODB_PORT}/orders?directConnection=true`);
    try {
      await assert.rejects(mongo.db().collection('orders').findOne(), { codeName: 'Unauthorized' });
    } finally {
      await mongo.close();
    }
  }

  /** Follows docs/operations.md: with the files of the containers an operator gets in, and the apps' user may not do more than it needs. */
  async operatorGetsIn(): Promise<void> {
    const { KAFKA_PORT, MONGODB_PORT } = this.project.ports;
    const directory = await mkdtemp(join(tmpdir(), 'orders-compose-'));
    try {
      const file = join(directory, 'admin.properties');
      await writeFile(file, await this.secret('kafka', '/run/kafka/admin.properties'));
      const access = ['--bootstrap-server', `127.0.0.1:${KAFKA_PORT}`, '--command-config', file];
      assert.match(await (await KafkaTools.provide()).run('TopicCommand', [...access, '--list']), /^orders\.v1$/m);
    } finally {
      await rm(directory, { recursive: true });
    }
    const root = ['-u', 'root', '-p', await this.secret('mongodb', '/run/mongodb/root-password')];
    const shell = ['mongosh', '--quiet', ...root, '--eval', "db.getSiblingDB('admin').system.users.countDocuments()"];
    assert.equal(await this.project.run('exec', '--no-TTY', 'mongodb', ...shell), '2');
    const uri = new URL(await this.secret('producer', '/run/apps/mongodb-uri'));
    uri.host = `127.0.0.1:${MONGODB_PORT}`;
    uri.search = 'authSource=admin&directConnection=true';
    const mongo = new MongoClient(uri.href);
    try {
      await assert.rejects(mongo.db('admin').command({ usersInfo: 1 }), { codeName: 'Unauthorized' });
    } finally {
      await mongo.close();
    }
  }

  /** Returns a file of a service, as its user. */
  async secret(service: string, path: string): Promise<string> {
    return this.project.run('exec', '--no-TTY', service, 'cat', path);
  }

  async facadeNeedsKey(): Promise<void> {
    const url = `${urlOf(this.project.facadePort)}/orders/page/1`;
    const { signal } = this;
    const [refused, answered] = [
      await fetch(url, { signal }),
      await fetch(url, { signal, headers: { 'x-api-key': DEMO_KEY } }),
    ];
    assert.deepEqual([refused.status, answered.status], [401, 200]);
  }

  async appsAreUnprivileged(): Promise<void> {
    for (const app of APPS) {
      assert.equal(await this.project.run('exec', '--no-TTY', app, 'id', '--user'), '1000', app);
    }
  }

  async rejectsWithoutToken(): Promise<void> {
    assert.equal(
      (await fetch(`${urlOf(this.project.ports.QUERY_API_PORT)}/v1/orders`, { signal: this.signal })).status,
      401,
    );
  }
}

/** Returns how kafkajs reaches Kafka's port on this machine. */
export function clientOptions(port: number): KafkaConfig {
  return { clientId: 'compose-test', brokers: [`127.0.0.1:${port}`], logLevel: kafkajs.logLevel.NOTHING };
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
