import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { startStandaloneServers, type StandaloneServers } from '../../dev/servers/standalone-servers.js';
import { FreshProject, pack, versionOf, type RunningScript } from './fresh-project.js';
import { quietKafka, readRecords, writeRecords } from '../support/topic-writer.js';

const run = promisify(execFile);
const CLOCK = 'clock';
const ENGINE = 'parallel-consumer';
const STRATEGY = 'nestjs-parallel-consumer';
const PACKAGES = [CLOCK, ENGINE, STRATEGY];
const TOPIC = 'orders.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const DRAINED = /saving last[^]*saved last of partition 1[^]*stopped: finished 1, handed over 0, lost 0/;

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

describe('the packages, as npm would publish them', () => {
  let folder: string;
  const tarballs: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-packages-'));
    for (const library of PACKAGES) tarballs[library] = await pack(library, folder);
  }, 60_000);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** A project with the packages and the given dependencies, in the versions that this project is tested with. */
  async function installed(name: string, libraries: readonly string[], dependencies: readonly string[]) {
    const versions = await Promise.all(
      // The strategy's example uses Express, this project Fastify; both have the version of @nestjs/common.
      dependencies.map(async (each) => `${each}@${await versionOf(each.replace('platform-express', 'common'))}`),
    );
    return FreshProject.create(join(folder, name), [...libraries.map((each) => String(tarballs[each])), ...versions]);
  }

  describe.each(PACKAGES)('%s', (library) => {
    let content: string;
    let files: string[];

    beforeAll(async () => {
      const into = join(folder, `content-of-${library}`);
      await mkdir(into);
      await run('tar', ['-xzf', String(tarballs[library]), '-C', into]);
      content = join(into, 'package');
      const entries = await readdir(content, { recursive: true, withFileTypes: true });
      files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    });

    it('contains the files that its exports name, its licence and its README', async () => {
      const { exports } = JSON.parse(await readFile(join(content, 'package.json'), 'utf8')) as Manifest;
      const named = Object.values(exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      );
      expect(files).toEqual(
        expect.arrayContaining([...named, 'LICENSE', 'README.md'].map((path) => join(content, path))),
      );
    });

    it('contains no application code, no specs and no path of the build machine', async () => {
      const names = files.map((file) => file.slice(content.length));
      expect(
        names.filter((name) =>
          /spec\.|\.env|\.tsbuildinfo|\/(apps|orders|service|dev|behaviour|contract)\//.test(name),
        ),
      ).toEqual([]);
      for (const file of files) expect(await readFile(file, 'utf8')).not.toContain(PROJECT_DIRECTORY);
    });

    it('passes publint and attw', async () => {
      await expect(lint('publint/src/cli.js', 'run', String(tarballs[library]), '--strict')).resolves.toBeDefined();
      await expect(
        lint('@arethetypeswrong/cli/dist/index.js', String(tarballs[library]), '--profile', 'esm-only'),
      ).resolves.toBeDefined();
    }, 60_000);
  });

  it('the engine imports all its entries in a project with only its peer dependencies', async () => {
    const project = await installed('entries', [CLOCK, ENGINE], ['kafkajs', 'prom-client']);
    const manifest = join(project.directory, 'node_modules', '@orders-pipeline', ENGINE, 'package.json');
    const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as Manifest;
    const imports = Object.keys(exports)
      .filter((path) => !path.endsWith('.json'))
      .map((path) => `await import('@orders-pipeline/${ENGINE}${path.slice(1)}');`);
    await project.write('all.js', [...imports, "console.log('all imported');"].join('\n'));
    const script = project.start('all.js', {});
    await script.prints(/all imported|Error/, 20_000);
    expect(script.output).toBe('all imported\n');
  }, 60_000);

  describe('the examples, outside of this project', () => {
    let servers: StandaloneServers;
    let kafka: Kafka;
    let app: RunningScript | undefined;

    beforeAll(async () => {
      servers = await startStandaloneServers(join(folder, 'data'));
      kafka = quietKafka(servers.addresses.KAFKA_BROKERS);
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({
        topics: [TOPIC, DEAD_LETTERS].map((topic) => ({ topic, numPartitions: 3 })),
      });
      await admin.disconnect();
    }, 60_000);

    afterAll(async () => {
      await app?.end('SIGKILL');
      await servers.stop();
    }, 30_000);

    it.each([
      ['plain-node', ENGINE],
      ['nestjs', STRATEGY],
    ])('%s is the example of the package’s README', async (example, library) => {
      const readme = await readFile(join(PROJECT_DIRECTORY, 'libs', library, 'README.md'), 'utf8');
      expect(readme).toContain(await readFile(join(PROJECT_DIRECTORY, 'examples', example, 'main.ts'), 'utf8'));
    });

    it('plain-node handles records, dead-letters one with its real reason, and drains on SIGINT', async () => {
      const project = await installed('plain-node', [CLOCK, ENGINE], ['kafkajs']);
      await copyExample('plain-node', project);
      app = project.start('main.ts', { KAFKA_BROKERS: servers.addresses.KAFKA_BROKERS });
      expect(await outputOfARun(app, 'SIGINT')).toMatch(DRAINED);
    }, 90_000);

    it('nestjs does the same behind Nest’s handlers', async () => {
      const nest = ['common', 'core', 'microservices', 'platform-express'].map((name) => `@nestjs/${name}`);
      const project = await installed('nestjs', PACKAGES, [
        ...nest,
        'kafkajs',
        'reflect-metadata',
        'rxjs',
        '@types/node',
      ]);
      await copyExample('nestjs', project);
      expect(await project.compile()).toEqual([]);
      // Nest's own types import optional packages, so only errors of our types count.
      const complaints = await project.compile('--skipLibCheck', 'false', '--noEmit');
      expect(complaints.filter((line) => line.includes('@orders-pipeline'))).toEqual([]);
      app = project.start('dist/main.js', { KAFKA_BROKERS: servers.addresses.KAFKA_BROKERS, PORT: '0' });
      expect(await outputOfARun(app, 'SIGTERM')).toMatch(DRAINED);
    }, 150_000);

    /** Sends a good and a bad record to the example, ends it while it handles a last one, and returns what it printed. */
    async function outputOfARun(example: RunningScript, signal: NodeJS.Signals): Promise<string> {
      const before = await committed(kafka);
      await example.prints(/partitions assigned/, 30_000);
      await writeRecords(kafka, TOPIC, [order('good', 5), order('bad', 0)]);
      await example.prints(/saved good of partition 1/, 20_000);
      const letter = (await readRecords(kafka, DEAD_LETTERS, before === 0 ? 1 : 2, 20_000)).at(-1);
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
      await example.prints(/saving last/, 20_000);
      // Nest ends its process with the received signal once everything is closed.
      expect([0, null]).toContain(await example.end(signal));
      expect(await committed(kafka)).toBe(before + 3);
      return example.output;
    }
  });
});

/** Runs a tool of this project; rejects with its output if it fails. */
async function lint(script: string, ...args: string[]): Promise<unknown> {
  return run(process.execPath, [join(PROJECT_DIRECTORY, 'node_modules', script), ...args]);
}

/** Copies all but the manifest, whose dependencies are the packed ones here. */
async function copyExample(name: string, project: FreshProject): Promise<void> {
  await cp(join(PROJECT_DIRECTORY, 'examples', name), project.directory, { recursive: true, filter: isSource });
}

function isSource(path: string): boolean {
  return !/package\.json|node_modules|dist$/.test(path);
}

function order(id: string, quantity: number) {
  return { partition: 1, key: `account-${id}`, value: Buffer.from(JSON.stringify({ id, quantity })) };
}

/** The committed offset of the group for partition 1; 0 when there is none. */
async function committed(kafka: Kafka): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId: 'orders-savers', topics: [TOPIC] });
  await admin.disconnect();
  return Math.max(0, Number(topic?.partitions.find(({ partition }) => partition === 1)?.offset ?? 0));
}
