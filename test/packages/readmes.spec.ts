import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StandaloneKafka, StandaloneMongodb } from '../support/own-servers.js';
import { asAdmin, type ReadRecord, readRecords, recordsOn, writeRecords } from '../support/topic-writer.js';
import { FreshProject, type RunningScript, versionOf } from './fresh-project.js';
import { type Program, PROGRAMS, SETUP } from './readme-programs.js';

const TOPIC = 'payments.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const GROUP = 'payments-savers';
const PARTITION = 1;
const LAST = { partition: PARTITION, key: 'account-1', value: Buffer.from('{"id":"last","amount":1}') };

/** What an example did with the three records. */
interface ExampleResult {
  /** The dead letter of the bad record. */
  readonly letter: ReadRecord | undefined;
  readonly exitCode: number | null;
  readonly output: string;
  /** How far the committed offset has moved. */
  readonly committed: number;
}

/** Runs one example after another in the same consumer group, each with the records that `send.mjs` sends, and one during its end. */
class ExampleRun {
  private readonly running: RunningScript[] = [];

  /** @param send runs `send.mjs`, which sends a bad payment and a good one */
  constructor(
    private readonly kafka: Kafka,
    private readonly send: () => RunningScript,
  ) {}

  /** Starts an example, and ends it by the signal while it handles the last record. */
  async run(start: () => RunningScript, signal: NodeJS.Signals): Promise<ExampleResult> {
    const before = await this.committed();
    const letters = await recordsOn(this.kafka, DEAD_LETTERS);
    const example = await this.start(start);
    await this.send().succeeds();
    await example.prints(/saved 2 of partition 1/);
    const letter = (await readRecords(this.kafka, DEAD_LETTERS, letters + 1)).at(-1);
    await writeRecords(this.kafka, TOPIC, [LAST]);
    await example.prints(/saving last/);
    const exitCode = await example.end(signal);
    return { letter, exitCode, output: example.output, committed: (await this.committed()) - before };
  }

  /** Starts an example, and waits until it has partitions. */
  async start(start: () => RunningScript, ready = /partitions assigned/): Promise<RunningScript> {
    const example = start();
    this.running.push(example);
    await example.prints(ready);
    return example;
  }

  /** Kills the examples that a failed check left running. */
  async end(): Promise<void> {
    await Promise.all(this.running.map(async (example) => example.end('SIGKILL')));
  }

  /** The committed offset of the group; 0 when there is none. */
  private async committed(): Promise<number> {
    const [topic] = await asAdmin(this.kafka, async (admin) => admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] }));
    return Math.max(0, Number(topic?.partitions.find(({ partition }) => partition === PARTITION)?.offset ?? 0));
  }
}

/** What each example does with the records of an `ExampleRun`. @param drained the number of records that it finishes after the signal */
const handled = (drained: string) => ({
  letter: {
    partition: 1,
    key: Buffer.from('account-1'),
    headers: {
      'dead-letter-error-code': 'RangeError',
      'dead-letter-error-message': 'payment 1 has no amount',
      'dead-letter-attempts': '1',
    },
  },
  output: expect.stringMatching(
    RegExp(
      String.raw`saving last[^]*saved last of partition 1[^]*stopped: finished \d+ since the start \(1 dead-lettered\); the drain finished ${drained} \(0 dead-lettered\), 0 left for redelivery, 0 unaccounted for`,
    ),
  ),
  committed: 3,
});

/** A fenced code block of a page. */
interface CodeBlock {
  readonly section: string;
  readonly language: string;
  readonly code: string;
}

interface Excerpt {
  /** Names its page and its section. */
  readonly name: string;
  readonly blocks: readonly string[];
  readonly program: Program;
}

const HEADING_OR_BLOCK = /^#+ (?<heading>.+)$|^```(?<language>\w*)\n(?<code>[^]*?)^```$/gm;

/** Reads the code blocks of a page, in order. */
async function readCodeBlocks(page: string): Promise<CodeBlock[]> {
  const text = await readFile(join(PROJECT_DIRECTORY, page), 'utf8');
  const found: CodeBlock[] = [];
  let section = '';
  for (const { groups } of text.matchAll(HEADING_OR_BLOCK)) {
    const { heading, language = '', code = '' } = groups ?? {};
    if (heading === undefined) found.push({ section, language, code });
    else section = heading;
  }
  return found;
}

const IMPORT = /^import (?:type )?\{(?<names>[^}]*)\} from '(?<from>[^']*)';$/gm;

/** Joins the imports of the setup and of the blocks, which may import the same name, at the beginning of a program. */
function withImportsFirst(code: string): string {
  const imports = new Map<string, Set<string>>();
  for (const { groups } of code.matchAll(IMPORT)) {
    const { names = '', from = '' } = groups ?? {};
    const known = imports.get(from) ?? new Set();
    imports.set(from, known);
    for (const name of names.split(',')) known.add(name.replace('type ', '').trim());
  }
  const lines = [...imports].map(([from, names]) => `import { ${[...names].join(', ')} } from '${from}';`);
  return [...lines, code.replaceAll(IMPORT, '')].join('\n');
}

/** Returns the whole program of an excerpt. All run at once, so each has consumer groups of its own. @param servers their addresses */
function toProgram(
  { name, blocks, program }: Excerpt,
  { KAFKA_BROKERS = '', MONGODB_URI = '' }: NodeJS.ProcessEnv,
): string {
  const { before = '', between = '', after } = program;
  const code = [SETUP, '{', before, '{', blocks.join(`${between}\n`), after, '}}'].join('\n');
  return withImportsFirst(code)
    .replaceAll("groupId: '", `groupId: '${name}-`)
    .replaceAll('localhost:9092', KAFKA_BROKERS)
    .replaceAll('mongodb://localhost:27017', MONGODB_URI);
}

const ENGINE = 'libs/parallel-consumer/README.md';
const STRATEGY = 'libs/nestjs-parallel-consumer/README.md';
const PAGES = Object.keys(PROGRAMS);
const pages = new Map<string, CodeBlock[]>();
for (const page of PAGES) pages.set(page, await readCodeBlocks(page));
const blocksOf = (page: string, language: string): CodeBlock[] =>
  (pages.get(page) ?? []).filter((block) => block.language === language);

const sections = Object.entries(PROGRAMS).flatMap(([page, programs]) =>
  Object.entries(programs).map(([section, program]) => {
    const blocks = blocksOf(page, 'ts').filter((block) => block.section === section);
    const name = `${page}-${section}`.toLowerCase().replaceAll(/[^a-z\d]+/g, '-');
    return { page, name, blocks: blocks.map(({ code }) => code), program };
  }),
);
const shown = sections.flatMap(({ program, ...each }) => ('file' in program ? [{ ...each, file: program.file }] : []));
const excerpts = sections.flatMap(({ program, ...each }) => ('file' in program ? [] : [{ ...each, program }]));

describe('the pages of the packages, followed outside of this project', () => {
  let folder: string;
  let kafka: StandaloneKafka;
  let mongodb: StandaloneMongodb;
  let plain: FreshProject;
  let nest: FreshProject;
  let env: NodeJS.ProcessEnv;
  let examples: ExampleRun;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-readmes-'));
    await mkdir(join(folder, 'mongodb-data'));
    [kafka, mongodb] = await Promise.all([
      StandaloneKafka.start(1),
      StandaloneMongodb.start(join(folder, 'mongodb-data')),
    ]);
    env = { KAFKA_BROKERS: kafka.brokers, MONGODB_URI: mongodb.uri, PORT: '0' };
    for (const page of [ENGINE, STRATEGY]) await runCommands(page);
    plain = new FreshProject(join(folder, 'payments'));
    nest = new FreshProject(join(folder, 'payments-nest'));
    await plain.start('create-topics.mjs', env).succeeds();
    examples = new ExampleRun(kafka.kafka, () => plain.start('send.mjs', env));
  });

  afterAll(async () => {
    await examples.end();
    await Promise.all([kafka.stop(), mongodb.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs the commands of a page as in a clone. Skips `npm ci`, which has installed this code. */
  async function runCommands(page: string): Promise<void> {
    const clone = new FreshProject(PROJECT_DIRECTORY);
    for (const { code } of blocksOf(page, 'sh'))
      await clone.shell(`set -e\n${code.replace('npm ci\n', '').replaceAll('/tmp', folder)}`);
  }

  it.each(PAGES)('%s has no code that these specs do not run', (page) => {
    const written = pages.get(page)?.filter(({ language }) => language === 'ts') ?? [];
    expect([...new Set(written.map(({ section }) => section))]).toEqual(Object.keys(PROGRAMS[page] ?? {}));
    // The commands of the project's README are run by `test/documented-pages.spec.ts`.
    const allowed = { [ENGINE]: ['ts', 'sh'], [STRATEGY]: ['ts', 'sh'], 'README.md': ['ts', 'sh', ''] }[page] ?? ['ts'];
    const languages = (pages.get(page) ?? []).map(({ language }) => language);
    expect(languages.filter((language) => !allowed.includes(language))).toEqual([]);
  });

  it.each(shown)('$page shows the file examples/$file', async ({ file, blocks }) => {
    expect(blocks).toEqual([await readFile(join(PROJECT_DIRECTORY, 'examples', file), 'utf8')]);
  });

  describe('plain-node', () => {
    it.each(['SIGINT', 'SIGTERM'] as const)(
      'saves, dead-letters a record with its real reason, and stops on %s',
      async (signal) => {
        const result = await examples.run(() => plain.start('main.ts', env), signal);
        expect(result).toMatchObject({ ...handled(String.raw`\d`), exitCode: 0 });
        expect(await findPayments(mongodb.uri)).toEqual([
          { _id: '2', amount: 5 },
          { _id: 'last', amount: 1 },
        ]);
      },
    );

    it('redrives each dead letter three times', async () => {
      const main = await examples.start(() => plain.start('main.ts', env));
      await plain.start('send.mjs', env).succeeds();
      await main.prints(/record dead-lettered/);
      const letters = await recordsOn(kafka.kafka, DEAD_LETTERS);
      const redrive = await examples.start(
        () => plain.start('redrive.ts', env),
        RegExp(`(?:left: partition 1[^]*?){${letters}}`),
      );
      expect(redrive.output.match(/sent again: partition 1/g)).toHaveLength(3 * letters);
      expect([await redrive.end('SIGINT'), await main.end('SIGINT')]).toEqual([0, 0]);
    });
  });

  describe('nestjs', () => {
    beforeAll(async () => {
      await nest.shell('npx tsc');
    });

    it('compiles with the types of the packages too', async () => {
      const complaints = await nest.compile('--skipLibCheck', 'false', '--noEmit');
      // Nest's own types import optional packages, so only errors of our types count.
      expect(complaints.filter((line) => line.includes('@orders-pipeline'))).toEqual([]);
    });

    it.each(['SIGINT', 'SIGTERM'] as const)(
      'does the same, and drains behind Nest’s handlers on %s',
      async (signal) => {
        const result = await examples.run(() => nest.start('dist/main.js', env), signal);
        // Nest ends its process with the received signal once everything is closed.
        expect(result).toMatchObject({ ...handled('1'), exitCode: null });
      },
    );
  });

  describe('an excerpt, completed to a program', () => {
    const running = new Map<string, RunningScript>();
    let errors: readonly string[];

    // All at once: each waits some seconds for its consumer group.
    beforeAll(async () => {
      const clients = ['prom-client', '@platformatic/kafka', 'mongodb'];
      await nest.install(...(await Promise.all(clients.map(async (name) => `${name}@${await versionOf(name)}`))));
      const project = await nest.folder('excerpts');
      for (const each of excerpts) await project.write(`${each.name}.ts`, toProgram(each, env));
      await project.write(
        'tsconfig.json',
        JSON.stringify({ extends: '../tsconfig.json', compilerOptions: { outDir: 'dist' }, include: ['*.ts'] }),
      );
      errors = await project.compile();
      for (const { name } of excerpts) running.set(name, project.start(`dist/${name}.js`, env));
    });

    it('compiles', () => {
      expect(errors).toEqual([]);
    });

    it.each(excerpts)('$name prints what the page says', async ({ name, program }) => {
      const script = running.get(name);
      const code = await script?.ends();
      expect(script?.output).toMatch(program.prints);
      expect(code).toBe(0);
    });
  });
});

async function findPayments(uri: string): Promise<object[]> {
  const client = await MongoClient.connect(uri);
  try {
    return await client.db().collection('payments').find().sort({ _id: 1 }).toArray();
  } finally {
    await client.close();
  }
}
