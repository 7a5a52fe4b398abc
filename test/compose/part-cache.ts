import { join } from 'node:path';
import { PidLock, machineProcesses } from '../../dev/machine/processes.js';
import {
  cacheDirectory,
  FetchProgress,
  installPart,
  partIn,
  removeUnfinished,
  type Part,
} from '../../dev/parts/parts.js';
import { runClient } from '../../dev/parts/package-clients.js';
import { isOnPath } from '../support/debian-apt.js';

/** That of the image in deploy/swarm/stack.yml. */
export const CADDY = '2.10.2';
/** The cache of the parts that a run needs besides those of the embedded stack. */
export const CACHE = join(cacheDirectory(process.env), 'compose');

/** Waits until no other run of this user has an engine or fetches parts. Removes what a killed run has fetched incompletely. */
export async function lockCache(): Promise<PidLock> {
  const lock = await PidLock.wait(join(CACHE, 'run.lock'), machineProcesses, ({ pid }) =>
    console.log(`waiting for process ${pid}, which runs an engine`),
  );
  await removeUnfinished(CACHE);
  return lock;
}

/** Returns a part, which `fill` fetches or builds unless it is cached. The caller must hold the lock of the cache. */
export async function cachedPart(name: string, fill: (directory: string) => Promise<void>): Promise<Part> {
  const part = partIn(CACHE, name);
  if (!part.isCached) await new FetchProgress(console.log).during(name, () => installPart(part, fill));
  return part;
}

/** Returns the folder of the released Caddy, built from the Go module proxy, once. Debian's is three years older. */
export async function provideCaddy(signal: AbortSignal): Promise<string> {
  const part = await cachedPart(`caddy-${CADDY}`, async (directory) => {
    const program = `github.com/caddyserver/caddy/v2/cmd/caddy@v${CADDY}`;
    await runGo(['install', '-trimpath', '-ldflags=-s -w', program], 'Caddy', signal, { GOBIN: directory });
  });
  return part.directory;
}

/** Runs Go, with the modules of its proxy. @throws Error if there is no Go */
export async function runGo(
  args: readonly string[],
  fetching: string,
  signal: AbortSignal,
  variables: NodeJS.ProcessEnv = {},
): Promise<void> {
  if (!isOnPath('go')) throw new Error(`${fetching} is built from source: install Go 1.25 or newer.`);
  const env = { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0', ...variables };
  await runClient({ command: 'go', args, env, fetching, signal });
}
