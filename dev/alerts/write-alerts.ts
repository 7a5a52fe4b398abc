// `npm run docs:alerts`: writes docs/alerts.md from deploy/prometheus/alerts.yml. With `--check` it writes nothing, and fails when the page is out of date.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatted, updateGenerated } from '../generated-file.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { alertsPage } from './alerts-page.js';

const PAGE = 'docs/alerts.md';
const rules = await readFile(join(PROJECT_DIRECTORY, 'deploy', 'prometheus', 'alerts.yml'), 'utf8');
await updateGenerated(PAGE, await formatted(PAGE, alertsPage(rules)), 'npm run docs:alerts');
