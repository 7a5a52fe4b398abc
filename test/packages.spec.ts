import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Kafka } from '#parallel-consumer/kafka/kafkajs.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { startStandaloneServers, type StandaloneServers } from '../dev/servers/standalone-servers.js';
import { FreshProject, pack, versionOf, type RunningScript } from './support/fresh-project.js';
import { quietKafka, readRecords, writeRecords } from './support/topic-writer.js';

const STRATEGY = 'nestjs-parallel-consumer';
const ENGINE = 'parallel-consumer';
const TOPIC = 'orders.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const COMPILER_OPTIONS = {
  target: 'es2024',
  module: 'nodenext',
  types: ['node'],
  strict: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
}

describe('the packages, as npm would publish them', () => {
  let folder: string;
  let tarballs: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-packages-'));
    tarballs = { [ENGINE]: await pack(ENGINE, folder), [STRATEGY]: await pack(STRATEGY, folder) };
  }, 60_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  describe.each([ENGINE, STRATEGY])('%s', (library) => {
    let content: string;
    let files: string[];

    beforeAll(async () => {
      const into = join(folder, `content-of-${library}`);
      await mkdir(into);
      await promisify(execFile)('tar', ['-xzf', String(tarballs[library]), '-C', into]);
      content = join(into, 'package');
      const entries = await readdir(content, { recursive: true, withFileTypes: true });
      files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    });

    it('contains the files that its exports name, its licence and its README', async () => {
      const { exports } = JSON.parse(await readFile(join(content, 'package.json'), 'utf8')) as Manifest;
      const named = Object.values(exports).flatMap((target) => [target.types, target.default]);
      expect(files).toEqual(
        expect.arrayContaining([...named, 'LICENSE', 'README.md'].map((path) => join(content, path))),
      );
    });

    it('contains no application code, no specs and no path of the build machine', async () => {
      const names = files.map((file) => file.slice(content.length));
      expect(names.filter((name) => /spec\.|\.env|\.tsbuildinfo|\/(apps|orders|service|dev)\//.test(name))).toEqual([]);
      for (const file of files) expect(await readFile(file, 'utf8')).not.toContain(PROJECT_DIRECTORY);
    });
  });

  it('the engine runs in a project with only its peer dependencies', async () => {
    const project = await FreshProject.create(join(folder, 'plain'), [
      String(tarballs[ENGINE]),
      `prom-client@${await versionOf('prom-client')}`,
    ]);
    const manifest = join(project.directory, 'node_modules', '@orders-pipeline', ENGINE, 'package.json');
    const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as Manifest;
    const imports = Object.keys(exports).map((path) => `await import('@orders-pipeline/${ENGINE}${path.slice(1)}');`);
    await project.write('all.js', [...imports, "console.log('all imported');"].join('\n'));
    const script = project.start('all.js', {});
    await script.prints(/all imported|Error/, 20_000);
    expect(script.output).toBe('all imported\n');
  }, 60_000);

  describe('the first example of the strategy’s README, in a fresh Nest application', () => {
    let servers: StandaloneServers;
    let kafka: Kafka;
    let project: FreshProject;
    let app: RunningScript | undefined;

    beforeAll(async () => {
      const nest = ['common', 'core', 'microservices', 'platform-express'].map((name) => `@nestjs/${name}`);
      const peers = [...nest.slice(0, 3), 'kafkajs', 'reflect-metadata', 'rxjs', '@types/node'];
      const versions = await Promise.all(peers.map(async (name) => `${name}@${await versionOf(name)}`));
      const platform = `${nest[3]}@${await versionOf('@nestjs/common')}`;
      const installed = FreshProject.create(join(folder, 'nest'), [String(tarballs[STRATEGY]), platform, ...versions]);
      [servers, project] = await Promise.all([startStandaloneServers(join(folder, 'data')), installed]);
      kafka = quietKafka(servers.addresses.KAFKA_BROKERS);
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({
        topics: [TOPIC, DEAD_LETTERS].map((topic) => ({ topic, numPartitions: 3 })),
      });
      await admin.disconnect();
    }, 90_000);

    afterAll(async () => {
      await app?.end('SIGKILL');
      await servers.stop();
    }, 30_000);

    it('compiles in strict mode, and the package’s own types pass a full check', async () => {
      const readme = await readFile(join(PROJECT_DIRECTORY, 'libs', STRATEGY, 'README.md'), 'utf8');
      const start = /`main\.ts`:\n\n```ts\n([^]*?)```/.exec(readme)?.[1];
      await project.write('main.ts', String(start));
      expect(await project.compile({ ...COMPILER_OPTIONS, skipLibCheck: true })).toEqual([]);
      // Nest's own types import optional packages, so only errors of our types count.
      const complaints = await project.compile({ ...COMPILER_OPTIONS, skipLibCheck: false, noEmit: true });
      expect(complaints.filter((line) => line.includes('@orders-pipeline'))).toEqual([]);
    }, 60_000);

    it('handles records, dead-letters one with its real reason, and drains on SIGTERM', async () => {
      app = project.start('main.js', { KAFKA_BROKERS: servers.addresses.KAFKA_BROKERS, PORT: '0' });
      await app.prints(/partitions assigned/, 30_000);
      await writeRecords(kafka, TOPIC, [order('good', 5), order('bad', 0)]);
      await app.prints(/saved good of partition 1/, 20_000);
      const [letter] = await readRecords(kafka, DEAD_LETTERS, 1, 20_000);
      expect(letter).toMatchObject({
        partition: 1,
        key: Buffer.from('account-bad'),
        headers: {
          'dead-letter-error-code': 'RangeError',
          'dead-letter-error-message': 'order bad has no quantity',
          'dead-letter-attempts': '5',
        },
      });

      await writeRecords(kafka, TOPIC, [order('last', 1)]);
      await app.prints(/saving last/, 20_000);
      // Nest ends its process with the received signal once everything is closed.
      expect(await app.end('SIGTERM')).toBe(null);
      expect(app.output).toMatch(
        /saving last[^]*saved last of partition 1[^]*stopped: finished 1, handed over 0, lost 0/,
      );
      expect(await committed(kafka)).toBe(3);
    }, 80_000);
  });
});

function order(id: string, quantity: number) {
  return { partition: 1, key: `account-${id}`, value: Buffer.from(JSON.stringify({ id, quantity })) };
}

/** Committed offset of the group for partition 1. */
async function committed(kafka: Kafka): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId: 'orders-savers', topics: [TOPIC] });
  await admin.disconnect();
  return Number(topic?.partitions.find(({ partition }) => partition === 1)?.offset);
}
