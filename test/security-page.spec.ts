import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { catalogSettings } from '../dev/settings/settings-catalog.js';

const LIMITS = /^[A-Z_]+_(PER_CALLER|IN_TOTAL|PER_MINUTE|PER_SECOND|TIMEOUT_SECONDS)$/;

it('docs/security.md says what each setting of a limit protects, and names no other settings', () => {
  const page = readFileSync(join(PROJECT_DIRECTORY, 'docs', 'security.md'), 'utf8');
  const [, section = ''] = page.split('\n## Limits\n');
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  const named = new Set(rows.flatMap((row) => [...row.matchAll(/`([A-Z_]{5,})`/g)].map(([, name = '']) => name)));
  const settings = catalogSettings().flatMap((part) => part.settings.map(({ name }) => name));
  expect([...named].filter((name) => !settings.includes(name))).toEqual([]);
  expect(settings.filter((name) => LIMITS.test(name) && !named.has(name))).toEqual([]);
});
