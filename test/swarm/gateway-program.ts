import { runClient } from '../../dev/parts/package-client.js';
import { cachedPart } from '../compose/part-cache.js';
import { isOnPath } from '../support/debian-apt.js';

/** That of the image in deploy/swarm/stack.yml. */
export const CADDY = '2.10.2';

/**
 * Returns the folder of the released Caddy, built from the Go module proxy, once. Debian's is three years older.
 * @throws Error without Go
 */
export async function provideCaddy(signal: AbortSignal): Promise<string> {
  const part = await cachedPart(`caddy-${CADDY}`, async (directory) => {
    if (!isOnPath('go')) throw new Error('Caddy is built from source: install Go 1.25 or newer.');
    await runClient({
      command: 'go',
      args: ['install', '-trimpath', '-ldflags=-s -w', `github.com/caddyserver/caddy/v2/cmd/caddy@v${CADDY}`],
      env: { GOBIN: directory, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' },
      fetching: 'Caddy',
      signal,
    });
  });
  return part.directory;
}
