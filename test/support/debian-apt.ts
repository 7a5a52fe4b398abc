import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runClient } from '../../dev/parts/package-client.js';

export function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)));
}

/** Installs Debian's packages, as root. @throws `fetch-failed` */
export async function aptInstall(packages: readonly string[], signal: AbortSignal): Promise<void> {
  await apt(['update'], signal);
  await apt(['install', '--yes', '--no-install-recommends', ...packages], signal);
}

async function apt(args: readonly string[], signal: AbortSignal): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runClient({ command: 'apt-get', args: ['--quiet', ...args], env, fetching: "Debian's packages", signal });
}
