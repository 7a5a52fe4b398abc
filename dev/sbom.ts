// `npm run sbom`: writes the bill of materials of the production image's packages (CycloneDX) to dist/sbom.cdx.json.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './machine/child-processes.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { productionBill } from './supply-chain/production-bill.js';

const FILE = 'dist/sbom.cdx.json';

const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
const stdout = await runCommand('npm', args, { cwd: PROJECT_DIRECTORY });
const bill = productionBill(stdout, await readFile(join(PROJECT_DIRECTORY, 'package-lock.json'), 'utf8'));
await writeFile(join(PROJECT_DIRECTORY, FILE), `${JSON.stringify(bill, undefined, 2)}\n`);
console.log(`${FILE}: ${bill.components.length} packages`);
