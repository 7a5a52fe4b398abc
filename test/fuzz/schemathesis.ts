import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runClient } from '../../dev/parts/package-client.js';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

const VERSION = '4.32.5';
const INSTALL_WITHIN_MS = 240_000;
/** Here 413 also rejects an invalid request: a body with too many items can be too large to be read. */
const CONFIG = 'test/fuzz/schemathesis.toml';

/**
 * Checks that are excluded; all others run. Two are about tokens, which the token suite covers. The third requires that every request
 * that fits the document is accepted, but OpenAPI can't express that two parameters exclude each other.
 */
const EXCLUDED_CHECKS = ['ignored_auth', 'object_level_authorization', 'positive_data_acceptance'];

export interface FuzzResult {
  readonly code: number | null;
  readonly output: string;
}

/**
 * Sends a service requests that its OpenAPI document allows or forbids, and checks the responses against the document.
 * @param examples number of examples per route
 * @param without paths to exclude
 */
export async function fuzz(
  serviceUrl: string,
  { seed, examples, without = [] }: { seed: number; examples: number; without?: readonly string[] },
): Promise<FuzzResult> {
  const directory = await schemathesis();
  const args = ['-m', 'schemathesis.cli', '--config-file', join(PROJECT_DIRECTORY, CONFIG)];
  args.push('run', `${serviceUrl}/docs-json`, '--checks', 'all');
  args.push('--exclude-checks', EXCLUDED_CHECKS.join(','), '--phases', 'examples,coverage,fuzzing');
  args.push('--max-examples', String(examples), '--seed', String(seed), '--continue-on-failure', '--no-color');
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

/** Installs Schemathesis once with pip into the cache. @returns its folder */
async function schemathesis(): Promise<string> {
  const directory = join(cacheDirectory(process.env), `schemathesis-${VERSION}`);
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await runClient({
    command: 'python3',
    args: ['-m', 'pip', 'install', '--quiet', '--no-input', '--target', unfinished, `schemathesis==${VERSION}`],
    env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
    fetching: `Schemathesis ${VERSION}`,
    signal: AbortSignal.timeout(INSTALL_WITHIN_MS),
  });
  await rename(unfinished, directory);
  return directory;
}
