import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runClient } from '../../dev/parts/package-client.js';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';

const VERSION = '4.32.5';
const INSTALL_WITHIN_MS = 240_000;

/**
 * What a run looks at: every check that there is, but for three. Two are about tokens, which the token suite checks; the third wants each
 * request accepted that fits the document, and OpenAPI can't say that two parameters exclude each other.
 */
const LEFT_OUT = ['ignored_auth', 'object_level_authorization', 'positive_data_acceptance'];

export interface FuzzResult {
  readonly code: number | null;
  readonly output: string;
}

/** Asks a service whatever its own document allows, and forbids, and holds the answers against it. @param examples for each route. @param without paths that are left out */
export async function fuzz(
  serviceUrl: string,
  { seed, examples, without = [] }: { seed: number; examples: number; without?: readonly string[] },
): Promise<FuzzResult> {
  const directory = await schemathesis();
  const args = ['-m', 'schemathesis.cli', 'run', `${serviceUrl}/docs-json`, '--checks', 'all'];
  args.push('--exclude-checks', LEFT_OUT.join(','), '--phases', 'examples,coverage,fuzzing');
  args.push('--max-examples', String(examples), '--seed', String(seed), '--continue-on-failure', '--no-color');
  for (const path of without) args.push('--exclude-path', path);
  // It keeps what it found where it runs.
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

/** Its folder in the cache: fetched once, by pip. */
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
