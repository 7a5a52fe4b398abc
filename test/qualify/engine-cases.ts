import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { CaseResult } from './plain/plain-cases.js';
import type { Client } from './plain/plain-client.js';

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
export async function runEngineCases(client: Client): Promise<CaseResult[]> {
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
