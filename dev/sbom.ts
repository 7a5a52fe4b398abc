// `npm run sbom`: writes the bill of materials of the production image's packages (CycloneDX) to dist/sbom.cdx.json.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { productionBill } from './supply-chain/production-bill.js';

const FILE = 'dist/sbom.cdx.json';

const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
const { stdout } = await promisify(execFile)('npm', args, { cwd: PROJECT_DIRECTORY, maxBuffer: 64 * 1_024 * 1_024 });
const bill = productionBill(stdout, await readFile(join(PROJECT_DIRECTORY, 'package-lock.json'), 'utf8'));
await writeFile(join(PROJECT_DIRECTORY, FILE), `${JSON.stringify(bill, undefined, 2)}\n`);
console.log(`${FILE}: ${bill.components.length} packages`);
