import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ClientKeys } from '../apps/facade/src/clients.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { catalogSettings } from '../dev/settings/settings-catalog.js';

const settings = new Map(
  catalogSettings().flatMap((section) => section.settings.map((setting) => [setting.name, setting])),
);

const COMPOSE_FILES = [
  'docker-compose.yml',
  'deploy/docker-compose.monitoring.yml',
  'deploy/docker-compose.profiles.yml',
];

describe.each(COMPOSE_FILES)('%s', (file) => {
  const text = read(file);

  it('gives variables their documented defaults', () => {
    for (const [, name = '', byDefault = ''] of text.matchAll(/\$\{([A-Z_]+):-([^{}]*)\}/g))
      expect({ name, byDefault }).toEqual({ name, byDefault: settings.get(name)?.shownDefault });
  });

  it('reads only documented variables', () => {
    const names = [...text.matchAll(/^ +([A-Z_]+):$|\$\{([A-Z_]+)/gm)].map(([, passed, used]) => passed ?? used);
    expect(names).not.toEqual([]);
    expect(names.filter((name = '') => !settings.has(name))).toEqual([]);
  });
});

it('docker-compose.yml makes the console and the producer refer to the query API at the port that it publishes', () => {
  const text = read('docker-compose.yml');
  const [, port] = /- 127\.0\.0\.1:(?<port>\$\{QUERY_API_PORT:-\d+\}):3000/.exec(text) ?? [];
  expect(text.split(`QUERY_API_PUBLIC_URL: http://localhost:${port}\n`)).toHaveLength(3);
});

it('docker-compose.yml gives the facade the public key of docs/migrate.md, which is refused in production', () => {
  const [, key = ''] = /x-api-key: ([\w-]+)'/.exec(read('docs/migrate.md').split('--profile legacy up')[1] ?? '') ?? [];
  const file = read('deploy/legacy-clients.json');
  expect(ClientKeys.parse(file).clientOf({ key })).toBe('demo');
  expect(() => ClientKeys.parse(file, true)).toThrow('the demo key, which is public');
});

function read(file: string): string {
  return readFileSync(join(PROJECT_DIRECTORY, file), 'utf8');
}
