// `npm run docs:settings`: writes the tables of docs/configuration.md and .env.example from the settings schemas. With `--check` it
// writes nothing, and fails when one of them is out of date.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatted, updateGenerated } from './generated-file.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { catalogSettings } from './settings/settings-catalog.js';
import { envExample, withSettingsTables } from './settings/settings-texts.js';

const sections = catalogSettings();
const COMMAND = 'npm run docs:settings';
const CONFIGURATION = 'docs/configuration.md';
const page = withSettingsTables(await readFile(join(PROJECT_DIRECTORY, CONFIGURATION), 'utf8'), sections);
await updateGenerated(CONFIGURATION, await formatted(CONFIGURATION, page), COMMAND);
await updateGenerated('.env.example', envExample(sections), COMMAND);
