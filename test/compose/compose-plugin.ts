import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runClient } from '../../dev/parts/package-client.js';
import { isOnPath } from '../support/debian-apt.js';
import { cachedPart } from './part-cache.js';
import type { PrivateEngine } from './private-engine.js';

const VERSION = '2.40.3';
const SOURCE = 'github.com/docker/compose/v2';

/**
 * Makes `docker compose` available to the engine's clients: the machine's own, or the real one built from the Go module proxy,
 * since Debian has no package of it. The build takes three minutes, once.
 */
export async function provideCompose(engine: PrivateEngine, signal: AbortSignal): Promise<void> {
  const isInstalled = await engine.docker(['compose', 'version']).then(
    () => true,
    () => false,
  );
  if (isInstalled) return;
  const part = await cachedPart(`docker-compose-${VERSION}`, (directory) => build(directory, signal));
  const plugins = join(engine.configDirectory, 'cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(join(part.directory, 'docker-compose'), join(plugins, 'docker-compose'));
}

/** Builds in a separate module: `go install` rejects Compose, whose go.mod excludes versions. */
async function build(directory: string, signal: AbortSignal): Promise<void> {
  if (!isOnPath('go')) {
    throw new Error(
      'Docker Compose is built from source, but there is no go on the PATH: install Go 1.24 or newer, or a system-wide Compose plugin.',
    );
  }
  const env = { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0' };
  const go = (...args: string[]): Promise<void> =>
    runClient({ command: 'go', args, env, fetching: 'Docker Compose', signal });
  const module = join(directory, 'module');
  await mkdir(module);
  await writeFile(join(module, 'go.mod'), 'module orders.invalid/compose\n\ngo 1.24\n');
  await go('-C', module, 'get', `${SOURCE}/cmd@v${VERSION}`);
  const linker = `-s -w -X ${SOURCE}/internal.Version=v${VERSION}`;
  await go(
    '-C',
    module,
    'build',
    '-trimpath',
    '-ldflags',
    linker,
    '-o',
    join(directory, 'docker-compose'),
    `${SOURCE}/cmd`,
  );
  await rm(module, { recursive: true });
}
