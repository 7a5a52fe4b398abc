/**
 * Runs a Kafka client through what is hard for consumers and producers: `npm run qualify -- --client kafkajs|platformatic|confluent`. First the
 * client by itself, as its guide shows it; then the engine over it, if the engine has a driver for it. docs/benchmarks.md has the results.
 * Exits with 0 if every case of the engine holds: what the client does by itself is only reported.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { runClient } from '../../dev/parts/package-clients.js';
import { installPart } from '../../dev/parts/parts.js';
import { StackError, explain } from '../../dev/stack-error.js';
import { provideTestPart } from '../support/fetched-programs.js';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { z } from 'zod';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { type CaseResult, PlainCases } from './plain/plain-cases.js';
import { type Client, CLIENTS } from './plain/plain-client.js';
import { Command, Option } from 'commander';

const CONFLUENT_VERSION = '1.10.1';
const BUILT_WITHIN_MS = 900_000;
/** What librdkafka is linked with. Without `CKJS_LINKING=dynamic`, its build fetches the sources of all of them. */
const LIBRARIES = 'libcurl4-openssl-dev liblz4-dev libsasl2-dev libssl-dev libzstd-dev zlib1g-dev';
const HEADERS = ['curl/curl.h', 'lz4.h', 'sasl/sasl.h', 'openssl/ssl.h', 'zstd.h', 'zlib.h'];
const INCLUDES = ['/usr/include', '/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'];

/** Confluent's client, and a Node.js that can load it. */
interface ConfluentPackage {
  readonly node: string;
  readonly directory: string;
}

/**
 * Finds Confluent's client in the cache, or builds it: its installer would fetch a binary from GitHub.
 * @throws StackError `client-missing` with what is missing
 */
async function provideConfluent(): Promise<ConfluentPackage> {
  const node = nodeWithHeaders();
  const missing = HEADERS.filter((header) => !INCLUDES.some((folder) => existsSync(join(folder, header))));
  if (missing.length > 0) throw notBuilt(`${missing.join(', ')} are missing`, `apt-get install ${LIBRARIES}`);
  const { stdout } = await promisify(execFile)(node, ['--print', 'process.versions.modules']);
  const name = `@confluentinc/kafka-javascript@${CONFLUENT_VERSION}`;
  const directory = await provideTestPart(`confluent-${CONFLUENT_VERSION}-${stdout.trim()}`, async (part) =>
    installPart(part, async (folder) => {
      await writeFile(join(folder, 'package.json'), '{ "private": true }');
      await runClient({
        command: 'npm',
        args: ['install', '--no-audit', '--no-fund', name],
        cwd: folder,
        env: { PATH: [dirname(node), process.env['PATH']].join(delimiter), CKJS_LINKING: 'dynamic' },
        fetching: name,
        signal: AbortSignal.timeout(BUILT_WITHIN_MS),
      });
    }),
  );
  return { node, directory };
}

/** The package of this project's Node.js has no headers, and the installer would fetch them. */
function nodeWithHeaders(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .find((folder) => existsSync(join(folder, 'node')) && existsSync(join(folder, '../include/node/node_api.h')));
  if (found === undefined)
    throw notBuilt('no node on the PATH has its headers beside it', 'Install Node.js with its headers.');
  return join(found, 'node');
}

function notBuilt(why: string, remedy: string): StackError {
  return new StackError('client-missing', `The client confluent can't be built here: ${why}.`, remedy);
}

const CONTRACT = 'test/parallel-consumer/broker-contract.spec.ts';
const CONTRACT_NAMES: Partial<Record<Client, string>> = {
  kafkajs: 'over kafkajs',
  platformatic: 'over @platformatic/kafka',
};

/** What is hard for the engine over a client: the specs of test/faults whose members use the client that `KAFKA_CLIENT` names. */
const FAULTS: Readonly<Record<string, string>> = {
  'engine/rebalance': 'members join and leave',
  'engine/cut-off-member': 'a member is cut off from Kafka, or its process is paused',
  'engine/stalled-handler': 'a handler that never ends',
  'engine/deleted-records': 'records that Kafka has deleted',
  'engine/offset-gaps': 'offsets without a record',
  'engine/failing-dead-letters': 'a dead-letter topic that does not accept records',
  'killed-member': 'a member is killed',
  'broker-outage': 'the broker is away for ten seconds',
  'given-up-commits': 'commits that are not answered',
  'compacted-logs': 'compacted topics',
  'damaged-logs': 'damaged records',
  'replaced-logs': 'topics that are deleted and created again',
  'unclean-election': 'an unclean election',
  'foreign-clients': 'records of other clients, with each compression',
  'foreign-transactions': "other clients' transactions",
  'secured-kafka': 'TLS, users and rights',
};

const ReportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});
type SpecResult = z.infer<typeof ReportSchema>['testResults'][number];

/** Runs the contract suite of brokers and the fault specs over a client. */
async function runEngineCases(client: Client): Promise<CaseResult[]> {
  const contract = await runJest(client, 'real', [CONTRACT], ['--testNamePattern', CONTRACT_NAMES[client] ?? 'none']);
  const paths = Object.keys(FAULTS).map((name) => `test/faults/${name}.spec.ts`);
  const faults = await runJest(client, 'faults', paths, []);
  const named = faults.map((result) => {
    const name = relative(join(PROJECT_DIRECTORY, 'test/faults'), result.name).replace('.spec.ts', '');
    return toCase(FAULTS[name] ?? name, result);
  });
  return [...contract.map((result) => toCase('the contract suite of brokers', result)), ...named];
}

async function runJest(
  client: Client,
  project: string,
  paths: readonly string[],
  flags: readonly string[],
): Promise<SpecResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'orders-qualify-'));
  const report = join(folder, 'report.json');
  const jest = join(PROJECT_DIRECTORY, 'node_modules/jest/bin/jest.js');
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest];
  const reporting = ['--selectProjects', project, '--maxWorkers=2', '--json', '--outputFile', report];
  const args = [...node, ...reporting, ...flags, '--runTestsByPath', ...paths];
  try {
    const env = { ...process.env, KAFKA_CLIENT: client };
    const child = spawn(process.execPath, args, { cwd: PROJECT_DIRECTORY, env, stdio: 'ignore' });
    await once(child, 'close');
    return ReportSchema.parse(JSON.parse(await readFile(report, 'utf8'))).testResults;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function toCase(name: string, { assertionResults }: SpecResult): CaseResult {
  const passed = assertionResults.filter(({ status }) => status === 'passed').length;
  const failed = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
  const text = [`${passed} passed, ${failed.length} failed`, ...failed].join('; ');
  return { name, holds: passed > 0 && failed.length === 0, text };
}

interface QualifyOptions {
  readonly client: Client;
  /** Which half; `undefined`: both. */
  readonly only?: 'plain' | 'engine';
}

const OPTIONS = new Command('npm run qualify --')
  .addOption(new Option('--client <name>', 'the client').choices(CLIENTS).makeOptionMandatory())
  .addOption(new Option('--only <half>', 'only a half of the cases').choices(['plain', 'engine']))
  .allowExcessArguments(false);

function print({ name, holds, text }: CaseResult): void {
  console.log(`| ${name} | ${holds ? 'holds' : '**does not hold**'} | ${text} |`);
}

async function main(): Promise<boolean> {
  const { client, only } = OPTIONS.parse().opts<QualifyOptions>();
  if (only !== 'engine') {
    const package_ = client === 'confluent' ? await provideConfluent() : { node: process.execPath, directory: '' };
    console.log(`${client} by itself:`);
    await PlainCases.run({ client, ...package_ }, print);
  }
  if (only === 'plain') return true;
  if (client === 'confluent') {
    console.log('The engine has no driver for this client, which does not send requests of others.');
    return true;
  }
  console.log(`The engine over ${client}:`);
  const results = await runEngineCases(client);
  for (const result of results) print(result);
  console.log(
    `${results.filter(({ holds }) => holds).length} cases hold, ${results.filter(({ holds }) => !holds).length} do not.`,
  );
  return results.every(({ holds }) => holds);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
