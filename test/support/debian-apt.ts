import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { runClient } from '../../dev/parts/package-clients.js';

export function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, command)));
}

/**
 * Installs Debian's package of a command that isn't on the PATH.
 * @throws if there is no apt-get or this user isn't root, StackError `fetch-failed`
 */
export async function provideCommand(command: string, debianPackage: string, signal: AbortSignal): Promise<void> {
  if (isOnPath(command)) return;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`${command} is not on the PATH: install it (Debian: ${debianPackage}).`);
  }
  await aptInstall([debianPackage], signal);
}

/** Installs Debian packages, as root. @throws `fetch-failed` */
export async function aptInstall(packages: readonly string[], signal: AbortSignal): Promise<void> {
  await apt(['update'], signal);
  await apt(['install', '--yes', '--no-install-recommends', ...packages], signal);
}

/** Unpacks a Debian package into an empty folder, without installing it. As root, updates the lists first. @throws `fetch-failed` */
export async function aptUnpack(name: string, directory: string, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() === 0) await apt(['update'], signal);
  await apt(['download', name], signal, directory);
  const archive = (await readdir(directory)).find((file) => file.endsWith('.deb')) ?? '';
  const args = ['--extract', archive, '.'];
  await runClient({ command: 'dpkg-deb', args, cwd: directory, fetching: `Debian's package ${name}`, signal });
  await rm(join(directory, archive));
}

async function apt(args: readonly string[], signal: AbortSignal, cwd = process.cwd()): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await runClient({ command: 'apt-get', args: ['--quiet', ...args], env, cwd, fetching: "Debian's packages", signal });
}
