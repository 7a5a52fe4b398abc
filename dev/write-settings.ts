// `npm run docs:settings`: writes the tables of docs/configuration.md and .env.example from the settings schemas. With `--check` it
// writes nothing, and fails when one of them is out of date.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatted } from './formatted.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { catalogSettings } from './settings/settings-catalog.js';
import { envExample, withSettingsTables } from './settings/settings-texts.js';

const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;

async function update(file: string, write: (before: string) => Promise<string>): Promise<void> {
  const path = join(PROJECT_DIRECTORY, file);
  const before = await readFile(path, 'utf8');
  const after = await write(before);
  if (after === before) return;
  if (!check) return writeFile(path, after);
  process.stderr.write(`${file} is out of date with the settings schemas: run \`npm run docs:settings\`.\n`);
  process.exitCode = 1;
}

const sections = catalogSettings();
const CONFIGURATION = 'docs/configuration.md';
await update(CONFIGURATION, (page) => formatted(CONFIGURATION, withSettingsTables(page, sections)));
await update('.env.example', () => Promise.resolve(envExample(sections)));
