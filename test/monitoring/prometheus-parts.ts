import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { aptUnpack, isOnPath } from '../support/debian-apt.js';

const FETCH_WITHIN_MS = 240_000;

/** Paths of the commands. */
export interface PrometheusParts {
  readonly prometheus: string;
  readonly promtool: string;
}

/**
 * Finds a real Prometheus with its promtool: in PROMETHEUS_DIR, on the PATH, or Debian's package, which is unpacked into the cache. The
 * package is not installed, since that would start a service.
 */
export async function prometheusParts(): Promise<PrometheusParts> {
  const kept = join(cacheDirectory(process.env), 'prometheus-debian');
  const places = [
    process.env['PROMETHEUS_DIR'],
    ...(process.env['PATH'] ?? '').split(delimiter),
    join(kept, 'usr/bin'),
  ];
  const found = places.map(partsIn).find((parts) => parts !== undefined);
  if (found !== undefined) return found;
  const missing = 'install it with its promtool (Debian: prometheus), or set PROMETHEUS_DIR to the folder of both.';
  if (!isOnPath('apt-get') || !isOnPath('dpkg-deb')) throw new Error(`Prometheus not found: ${missing}`);
  const unfinished = `${kept}.${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  try {
    await aptUnpack('prometheus', unfinished, AbortSignal.timeout(FETCH_WITHIN_MS));
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw new Error(`Prometheus not found, and apt failed to provide it: ${missing}`, { cause: error });
  }
  await rm(kept, { recursive: true, force: true });
  await rename(unfinished, kept);
  const fetched = partsIn(join(kept, 'usr/bin'));
  if (fetched === undefined) throw new Error(`Debian's package prometheus has no promtool: ${missing}`);
  return fetched;
}

function partsIn(directory: string | undefined): PrometheusParts | undefined {
  if (directory === undefined || directory === '') return undefined;
  const parts = { prometheus: join(directory, 'prometheus'), promtool: join(directory, 'promtool') };
  return existsSync(parts.prometheus) && existsSync(parts.promtool) ? parts : undefined;
}
