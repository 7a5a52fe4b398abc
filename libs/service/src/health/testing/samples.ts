import type { Registry } from 'prom-client';

/** Returns the samples of the metrics whose name begins so, as a scrape shows them. */
export async function samples(registry: Registry, name = ''): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#') && line.startsWith(name));
}
