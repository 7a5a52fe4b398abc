import { spawnSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installPart, type Part } from '../../dev/parts/part.js';
import { ComposeTestError } from './compose-test-error.js';

export const COMPOSE_VERSION = '2.40.3';
const SOURCE = 'github.com/docker/compose/v2';

/**
 * Builds the real Compose, for which Debian has no package, from the Go module proxy. It builds in a separate module, because
 * `go install` rejects Compose: its go.mod excludes versions. Takes three minutes, once.
 * @throws ComposeTestError `client-missing`, StackError `fetch-failed`
 */
export async function buildComposePlugin(part: Part, progress: FetchProgress, signal: AbortSignal): Promise<void> {
  if (spawnSync('go', ['version'], { stdio: 'ignore' }).error !== undefined) {
    throw new ComposeTestError(
      'client-missing',
      'Docker Compose is built from source, but there is no go on the PATH: install Go 1.24 or newer, or a system-wide Compose plugin.',
    );
  }
  const fetching = `Docker Compose ${COMPOSE_VERSION}`;
  const go = (args: readonly string[]): Promise<void> =>
    runClient({
      command: 'go',
      args,
      env: { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0' },
      fetching,
      signal,
    });
  await progress.during(`${fetching}, with Go: minutes`, () =>
    installPart(part, async (directory) => {
      const module = join(directory, 'module');
      await mkdir(module);
      await writeFile(join(module, 'go.mod'), 'module orders.invalid/compose\n\ngo 1.24\n');
      await go(['-C', module, 'get', `${SOURCE}/cmd@v${COMPOSE_VERSION}`]);
      const linker = `-s -w -X ${SOURCE}/internal.Version=v${COMPOSE_VERSION}`;
      const binary = join(directory, 'docker-compose');
      await go(['-C', module, 'build', '-trimpath', '-ldflags', linker, '-o', binary, `${SOURCE}/cmd`]);
      await rm(module, { recursive: true });
    }),
  );
}

/** Makes `docker compose` available to clients with this configuration folder. */
export async function linkComposePlugin(part: Part, configDirectory: string): Promise<void> {
  const plugins = join(configDirectory, 'cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(join(part.directory, 'docker-compose'), join(plugins, 'docker-compose'));
}
