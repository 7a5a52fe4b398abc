import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Kafka } from 'kafkajs';
import { createTopics } from '#service/kafka/prepare-topics.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StandaloneKafka } from '../support/own-servers.js';
import { FreshProject, type RunningScript, versionOf } from './fresh-project.js';
import { type Example, type Program, PROGRAMS } from './readme-programs.js';
import { type ReadRecord, readRecords, writeRecords } from '../support/topic-writer.js';

const TOPIC = 'payments.v1';
const DEAD_LETTERS = `${TOPIC}.dead-letter`;
const GROUP = 'payments-savers';
const PARTITION = 1;
const LAST = { partition: PARTITION, key: 'account-last', value: Buffer.from('{"id":"last","amount":1}') };

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
  private running: RunningScript | undefined;
  private runs = 0;

  /** @param send runs `send.mjs`, which sends a bad payment and a good one */
  constructor(
    private readonly kafka: Kafka,
    private readonly send: () => RunningScript,
  ) {}

  /** Starts an example, and ends it by the signal while it handles the last record. */
  async run(start: () => RunningScript, signal: NodeJS.Signals): Promise<ExampleResult> {
    const before = await this.committed();
    const example = start();
    this.running = example;
    await example.prints(/partitions assigned/);
    await this.send().succeeds();
    await example.prints(/saved 2 of partition 1/);
    this.runs += 1;
    const letter = (await readRecords(this.kafka, DEAD_LETTERS, this.runs)).at(-1);
    await writeRecords(this.kafka, TOPIC, [LAST]);
    await example.prints(/saving last/);
    const exitCode = await example.end(signal);
    return { letter, exitCode, output: example.output, committed: (await this.committed()) - before };
  }

  /** Kills an example that a failed check left running. */
  async end(): Promise<void> {
    await this.running?.end('SIGKILL');
  }

  /** The committed offset of the group; 0 when there is none. */
  private async committed(): Promise<number> {
    const admin = this.kafka.admin();
    await admin.connect();
    const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    await admin.disconnect();
    return Math.max(0, Number(topic?.partitions.find(({ partition }) => partition === PARTITION)?.offset ?? 0));
  }
}

const ENGINE = 'parallel-consumer';
const STRATEGY = 'nestjs-parallel-consumer';
const LIBRARIES = [ENGINE, STRATEGY, 'clock'] as const;
/** The files of `examples/` that a README shows: the file, its block's language, and the number of this block. */
const FILES = {
  [ENGINE]: [
    ['plain-node/create-topics.mjs', 'js', 0],
    ['plain-node/main.ts', 'ts', 0],
    ['plain-node/send.mjs', 'js', 1],
  ],
  [STRATEGY]: [
    ['plain-node/create-topics.mjs', 'js', 0],
    ['nestjs/main.ts', 'ts', 0],
    ['nestjs/tsconfig.json', 'json', 0],
    ['plain-node/send.mjs', 'js', 1],
  ],
  clock: [],
} as const;

/** What each example does with the records of an `ExampleRun`. */
const HANDLED = {
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
    /saving last[^]*saved last of partition 1[^]*stopped: finished \d+ since the start \(1 dead-lettered\); the drain finished 1 \(0 dead-lettered\), 0 left for redelivery, 0 unaccounted for/,
  ),
  committed: 3,
};

/** The topics of the excerpt about several topics. */
const REFUNDS = ['refunds.v1', 'refunds.v1.dead-letter'].map((topic) => ({ topic, numPartitions: 1 }));

/** A fenced code block of a package's page. */
interface CodeBlock {
  /** Its section, with a number from the second block of the same language on, such as `Start` or `Start (2)`. */
  readonly name: string;
  /** `ts`, `js` and `sh` are run, `json` is a file. Nothing else is allowed. */
  readonly language: string;
  readonly code: string;
}

interface Excerpt {
  readonly page: string;
  readonly block: CodeBlock;
  readonly program: Program;
}

const HEADING_OR_BLOCK = /^#+ (?<heading>.+)$|^```(?<language>\w*)\n(?<code>[^]*?)^```$/gm;

/** Reads the code blocks of a page of a package, in order. @param page its path in `libs/` */
async function readCodeBlocks(page: string): Promise<CodeBlock[]> {
  const text = await readFile(join(PROJECT_DIRECTORY, 'libs', page), 'utf8');
  const found: CodeBlock[] = [];
  let section = '';
  for (const { groups } of text.matchAll(HEADING_OR_BLOCK)) {
    const { heading, language = '', code = '' } = groups ?? {};
    section = heading ?? section;
    if (heading !== undefined) continue;
    const earlier = found.filter(
      (block) => block.language === language && block.name.replace(/ \(\d+\)$/, '') === section,
    );
    found.push({ name: earlier.length === 0 ? section : `${section} (${earlier.length + 1})`, language, code });
  }
  return found;
}

/** Returns the whole program of an excerpt. */
function toProgram({ block: { code }, program: { before, after, group } }: Excerpt): string {
  const grouped = group === undefined ? code : code.replace(/groupId: '[^']*'/, `groupId: '${group}'`);
  return `${before}\n${grouped}\n${after}`;
}

const blocks = new Map<string, CodeBlock[]>();
for (const page of Object.keys(PROGRAMS)) blocks.set(page, await readCodeBlocks(page));
const blocksOf = (library: string, language: string, page = 'README.md'): CodeBlock[] =>
  (blocks.get(`${library}/${page}`) ?? []).filter((block) => block.language === language);
const codeOf = (library: string, language: string, number: number): string =>
  blocksOf(library, language)[number]?.code ?? '';
const isProgram = (each: Program | Example | undefined): each is Program => each !== undefined && 'before' in each;
const excerpts: Excerpt[] = Object.entries(PROGRAMS).flatMap(([page, programs]) =>
  (blocks.get(page) ?? []).flatMap((block) => {
    const program = block.language === 'ts' ? programs[block.name] : undefined;
    return isProgram(program) ? [{ page, block, program }] : [];
  }),
);

describe('the READMEs of the packages, followed outside of this project', () => {
  let folder: string;
  let server: StandaloneKafka;
  let plain: FreshProject;
  let nest: FreshProject;
  let examples: ExampleRun;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-readmes-'));
    server = await StandaloneKafka.start(1);
    plain = await FreshProject.empty(join(folder, 'plain-node'));
    nest = await FreshProject.empty(join(folder, 'nestjs'));
    await runCommands(codeOf(ENGINE, 'sh', 0), new FreshProject(PROJECT_DIRECTORY));
    await runCommands(codeOf(ENGINE, 'sh', 1), plain);
    await runCommands(codeOf(STRATEGY, 'sh', 1), nest);
    await nest.install(
      ...(await Promise.all(
        ['prom-client', '@platformatic/kafka'].map(async (name) => `${name}@${await versionOf(name)}`),
      )),
    );
    await copyExample('plain-node', plain);
    await copyExample('nestjs', nest);
    const env = { KAFKA_BROKERS: server.brokers };
    await plain.start('create-topics.mjs', env).succeeds();
    examples = new ExampleRun(server.kafka, () => plain.start('send.mjs', env));
    await createRefunds(server.kafka);
  });

  afterAll(async () => {
    await examples.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs the commands of a shell block of a page, one after another. Skips `npm ci`: without it, this code could not run. */
  async function runCommands(code: string, project: FreshProject): Promise<void> {
    const commands = code.trim().replaceAll('/tmp', folder).split('\n');
    for (const command of commands) if (command !== 'npm ci') await project.shell(command);
  }

  it.each(Object.keys(PROGRAMS))('%s has no code block that these specs do not run', (page) => {
    const found = blocks.get(page) ?? [];
    const allowed = page.endsWith('README.md') ? ['ts', 'js', 'json', 'sh'] : ['ts'];
    expect(found.filter(({ language }) => !allowed.includes(language))).toEqual([]);
    const programs = found.filter(({ language }) => language === 'ts').map(({ name }) => name);
    expect(programs).toEqual(Object.keys(PROGRAMS[page] ?? {}));
  });

  it.each(LIBRARIES)('the README of %s has no commands or files that these specs do not use', (library) => {
    expect(blocksOf(library, 'sh')).toHaveLength(library === 'clock' ? 0 : 2);
    expect([...blocksOf(library, 'js'), ...blocksOf(library, 'json')]).toHaveLength(
      FILES[library].filter(([, language]) => language !== 'ts').length,
    );
  });

  it('both READMEs pack the packages with the same commands', () => {
    expect(codeOf(STRATEGY, 'sh', 0)).toBe(codeOf(ENGINE, 'sh', 0));
  });

  it.each(LIBRARIES.flatMap((library) => FILES[library].map((file) => ({ library, file }))))(
    'the README of $library shows the file examples/$file.0',
    async ({ library, file: [file, language, number] }) => {
      const text = await readFile(join(PROJECT_DIRECTORY, 'examples', file), 'utf8');
      expect(codeOf(library, language, number)).toBe(text);
    },
  );

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'plain-node handles records, dead-letters one with its real reason, and drains on %s',
    async (signal) => {
      const result = await examples.run(() => plain.start('main.ts', { KAFKA_BROKERS: server.brokers }), signal);
      expect(result).toMatchObject({ ...HANDLED, exitCode: 0 });
    },
  );

  it('nestjs compiles, with the types of the packages too', async () => {
    expect(await nest.compile()).toEqual([]);
    // Nest's own types import optional packages, so only errors of our types count.
    const complaints = await nest.compile('--skipLibCheck', 'false', '--noEmit');
    expect(complaints.filter((line) => line.includes('@orders-pipeline'))).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('nestjs does the same behind Nest’s handlers on %s', async (signal) => {
    const env = { KAFKA_BROKERS: server.brokers, PORT: '0' };
    const result = await examples.run(() => nest.start('dist/main.js', env), signal);
    // Nest ends its process with the received signal once everything is closed.
    expect(result).toMatchObject({ ...HANDLED, exitCode: null });
  });

  describe('an excerpt, completed to a program', () => {
    const running = new Map<string, RunningScript>();
    let errors: readonly string[];

    // All at once: each waits some seconds for its consumer group. The examples have written their records before.
    beforeAll(async () => {
      const project = await nest.folder('excerpts');
      for (const each of excerpts) await project.write(`${fileOf(each)}.ts`, toProgram(each));
      await project.write(
        'tsconfig.json',
        JSON.stringify({ extends: '../tsconfig.json', compilerOptions: { outDir: 'dist' }, include: ['*.ts'] }),
      );
      errors = await project.compile();
      for (const each of excerpts)
        running.set(fileOf(each), project.start(`dist/${fileOf(each)}.js`, { KAFKA_BROKERS: server.brokers }));
    });

    it('compiles', () => {
      expect(errors).toEqual([]);
    });

    it.each(excerpts.map((each) => [each.page, each.block.name, each] as const))(
      'of %s, %s, prints what the page says',
      async (_page, _name, excerpt) => {
        const script = running.get(fileOf(excerpt));
        const code = await script?.ends();
        expect(script?.output).toMatch(excerpt.program.prints);
        expect(code).toBe(0);
      },
    );
  });
});

async function createRefunds(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await createTopics(admin, REFUNDS);
  await admin.disconnect();
}

/** Copies all but the manifest: the commands of the README have installed the packages. */
async function copyExample(name: string, project: FreshProject): Promise<void> {
  await cp(join(PROJECT_DIRECTORY, 'examples', name), project.directory, { recursive: true, filter: isSource });
}

function isSource(path: string): boolean {
  return !/package\.json|node_modules|dist$/.test(path);
}

/** The name of an excerpt's program, without its ending. */
function fileOf({ page, block: { name } }: Excerpt): string {
  return `${page}-${name}`.toLowerCase().replaceAll(/[^a-z\d]+/g, '-');
}
