// `npm run audit`: compares the advisories about the locked packages with .ci/audit-allowed.json. Exit code 0: none but the allowed ones.
// 1: others, or an entry that expired or that nothing needs. 2: the registry gave no report, so nothing was checked.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printedBy, runCommand } from './machine/child-processes.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { AllowedAdvisoriesSchema, judgeAudit } from './supply-chain/audit-judgement.js';

const EXIT_CODES = { passed: 0, failed: 1, 'not-checked': 2 } as const;

const file = await readFile(join(PROJECT_DIRECTORY, '.ci', 'audit-allowed.json'), 'utf8');
const allowed = AllowedAdvisoriesSchema.parse(JSON.parse(file));
// `npm audit` exits with 1 if there are advisories.
const report = await runCommand('npm', ['audit', '--json'], { cwd: PROJECT_DIRECTORY, timeout: 120_000 }).catch(
  (error: unknown) => printedBy(error, 'stdout'),
);
const judgement = judgeAudit(report, allowed, new Date().toISOString().slice(0, 10));
if (judgement.result === 'not-checked')
  console.log(`NOT CHECKED: the registry gave no audit report. Run it where the registry does.\n${judgement.reason}`);
else for (const line of judgement.lines) console.log(line);
if (judgement.result === 'passed') console.log('no advisory but the allowed ones');
process.exitCode = EXIT_CODES[judgement.result];
