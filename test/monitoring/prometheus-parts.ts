import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPart } from '../../dev/parts/parts.js';
import { aptUnpack } from '../support/debian-apt.js';
import { fetchLimit } from '../support/fetch-limit.js';
import { provideTestPart } from '../support/foreign-clients/test-part.js';

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
  const places = [process.env['PROMETHEUS_DIR'] ?? '', ...(process.env['PATH'] ?? '').split(delimiter)];
  const found = places
    .filter((directory) => directory !== '')
    .map(partsIn)
    .find(({ prometheus, promtool }) => existsSync(prometheus) && existsSync(promtool));
  if (found !== undefined) return found;
  const unpacked = await provideTestPart('prometheus-debian', async (part) =>
    installPart(part, async (directory) => aptUnpack('prometheus', directory, fetchLimit())),
  );
  return partsIn(join(unpacked, 'usr/bin'));
}

function partsIn(directory: string): PrometheusParts {
  return { prometheus: join(directory, 'prometheus'), promtool: join(directory, 'promtool') };
}
