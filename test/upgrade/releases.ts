import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runClient } from '../../dev/parts/package-clients.js';
import { installPart } from '../../dev/parts/parts.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { fetchLimit } from '../support/fetch-limit.js';
import { provideTestPart } from '../support/foreign-clients/test-part.js';

/** The version before the current one in CHANGELOG.md. */
export const PREVIOUS_VERSION = '0.1.0';
/** The last commit of its day, 2026-11-25. */
const COMMIT = '0ddacebbd1fe9038998b03ae7dd316ff9a446920';
const run = promisify(execFile);

/** A version of the product, compiled in a folder. */
export interface Release {
  readonly version: string;
  readonly directory: string;
}

/** The version that is being developed, from this folder. */
export function currentRelease(): Release {
  const text = readFileSync(join(PROJECT_DIRECTORY, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return { version, directory: PROJECT_DIRECTORY };
}

/**
 * Takes the previous version from the history of this repository, installs its packages and compiles it by its own set-up. All of it stays in
 * the cache.
 * @throws Error if the history lacks it, such as in a shallow clone
 */
export async function providePreviousRelease(): Promise<Release> {
  const directory = await provideTestPart(`release-${PREVIOUS_VERSION}-${COMMIT.slice(0, 8)}`, async (part) =>
    installPart(part, build),
  );
  return { version: PREVIOUS_VERSION, directory };
}

async function build(directory: string): Promise<void> {
  await requireHistory();
  await extract(directory);
  await runClient({
    command: process.execPath,
    args: ['dev/setup.mjs'],
    cwd: directory,
    env: withoutPackageOfNpm(),
    fetching: `version ${PREVIOUS_VERSION} of the pipeline`,
    signal: fetchLimit(),
  });
}

async function requireHistory(): Promise<void> {
  try {
    await run('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { cwd: PROJECT_DIRECTORY });
  } catch (cause) {
    throw new Error(
      `The history of this clone lacks commit ${COMMIT}, which is version ${PREVIOUS_VERSION}. ` +
        'Fetch the whole history: git fetch --unshallow. Without a repository, these tests cannot run.',
      { cause },
    );
  }
}

/** By a file: `tar` closes a pipe at the end of the archive, which may be before `git` has written its padding. */
async function extract(directory: string): Promise<void> {
  const archive = join(directory, 'release.tar');
  await run('git', ['archive', `--output=${archive}`, COMMIT], { cwd: PROJECT_DIRECTORY });
  await run('tar', ['-xf', archive, '-C', directory]);
  await rm(archive);
}

/** Removes what npm says about the package whose script it runs: it is another one. */
function withoutPackageOfNpm(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) =>
    /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$)/.test(name),
  );
  return Object.fromEntries([...names, 'INIT_CWD'].map((name) => [name, undefined]));
}
