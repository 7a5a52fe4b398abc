import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { TestSystem } from '../support/test-system.js';
import { providePythonPackages } from '../support/fetched-programs.js';

const SCHEMATHESIS = 'schemathesis==4.32.5';
const CONFIG = 'test/fuzz/schemathesis.toml';

/**
 * Checks that are excluded; all others run. Two are about tokens, which the token suite covers. The third requires that every request
 * that fits the document is accepted, but OpenAPI can't express that two parameters exclude each other.
 */
const EXCLUDED_CHECKS = ['ignored_auth', 'object_level_authorization', 'positive_data_acceptance'];

const EVENTS = '/v1/operations/{id}/events';

/** Paths of the document. Default: all. */
interface Paths {
  readonly only?: string;
  readonly without?: readonly string[];
}

interface FuzzResult {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Sends a service requests that its OpenAPI document allows or forbids, and checks the responses against the document.
 * @param examples number of examples per route
 */
async function fuzz(
  serviceUrl: string,
  { seed, examples, only, without = [] }: Paths & { readonly seed: number; readonly examples: number },
): Promise<FuzzResult> {
  const directory = await providePythonPackages(SCHEMATHESIS);
  const args = ['-m', 'schemathesis.cli', '--config-file', join(PROJECT_DIRECTORY, CONFIG)];
  args.push('run', `${serviceUrl}/docs-json`, '--checks', 'all');
  args.push('--exclude-checks', EXCLUDED_CHECKS.join(','), '--phases', 'examples,coverage,fuzzing');
  args.push('--max-examples', String(examples), '--seed', String(seed), '--continue-on-failure', '--no-color');
  if (only !== undefined) args.push('--include-path', only);
  for (const path of without) args.push('--exclude-path', path);
  // Schemathesis stores its findings in the working directory.
  const cwd = await mkdtemp(join(tmpdir(), 'orders-fuzz-'));
  const env = { ...process.env, PYTHONPATH: directory };
  const child = spawn('python3', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve).once('error', reject);
  });
  await rm(cwd, { recursive: true, force: true });
  return { code, output };
}

/** Always the same, so that a commit is never red for a case that an earlier one did not run. This one sends a body above the limit. */
const SEED = Number(process.env['FUZZ_SEED'] || 20_788);
const EXAMPLES = 30;

describe('a service with requests that its OpenAPI document allows or forbids', () => {
  let pipeline: TestSystem;

  beforeAll(async () => {
    // The requests may populate millions of orders: with a low lag ceiling, the producer soon waits for the consumers.
    pipeline = await TestSystem.start({ env: { LAG_CEILING: '1000' }, flags: ['--save-ms', '0..1'] });
    const { id } = await pipeline.populate({ count: 500 });
    await pipeline.allSaved(id);
  });

  afterAll(async () => {
    await pipeline.stop();
  });

  // The events of an operation end with it: they come first, while no request has begun one of millions of orders.
  it.each<[string, () => string, Paths]>([
    ['the events of operations', () => pipeline.producerUrl, { only: EVENTS }],
    ['the query API', () => pipeline.queryApiUrl, {}],
    ['the producer', () => pipeline.producerUrl, { without: [EVENTS] }],
    [
      'the console',
      () => pipeline.consoleUrl,
      // The first never ends; the others start processes.
      { without: ['/v1/pipeline/events', '/v1/pipeline/consumers', '/v1/pipeline/scaling-demo'] },
    ],
  ])('(%s) never fails, responds as documented, and rejects invalid requests', async (_, url, paths) => {
    const { code, output } = await fuzz(url(), { seed: SEED, examples: EXAMPLES, ...paths });
    const report = code === 0 ? '' : `FUZZ_SEED=${SEED}\n${output.slice(-8_000)}`;
    expect(report).toBe('');
    expect(output).toMatch(/\d+ generated, \d+ passed/);
  });
});
