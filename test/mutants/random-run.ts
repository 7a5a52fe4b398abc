/**
 * `npm run test:random-mutants -- --seed 43 --count 300 [--under FOLDER] [--project DIR] [--resume FILE]`: measures how many random
 * changes of the product its unit specs notice. The seed alone chooses the changes: two trees with nearly the same code get nearly the same.
 * --under: only files whose path begins so. --project: another tree of this project. --resume: appends each result to FILE, and skips those in it.
 * Prints `path:line:column operator | killed by "spec" | survived | no spec`, one of the three, and `N of COUNT caught`. The share is no gate: exits with 0.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ImportGraph } from './import-graph.js';
import { mutationsOf, type RandomMutation } from './random-sites.js';

const WORKERS = 2;
/** Related specs that have not noticed a mutation by then do not notice it. */
const MUTATION_MS = 300_000;
/** A case that takes longer than this, and ten times as long as the slowest without a mutation, hangs. */
const LEAST_CASE_MS = 30_000;
const NOT_COPIED = new Set(['.git', '.data', '.cache', 'dist', 'node_modules']);

/** What the reporter prints about a case that has ended, or about a failure. */
interface CaseReport {
  readonly file: string;
  readonly ms?: number;
  readonly failed?: string;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    under: { type: 'string', default: '' },
    project: { type: 'string', default: PROJECT_DIRECTORY },
    resume: { type: 'string' },
  },
});
const project = await realpath(values.project);
const known = values.resume !== undefined && existsSync(values.resume) ? readFileSync(values.resume, 'utf8') : '';
const folder = await mkdtemp(join(tmpdir(), 'random-mutants-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const graph = new ImportGraph(project);
const mutations = graph
  .productFiles()
  .filter(([file]) => file.startsWith(values.under))
  .flatMap(([file, source]) => mutationsOf(file, source, values.seed))
  .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
  .slice(0, Number(values.count));
const results = new Map(mutations.map((mutation) => [labelOf(mutation), knownResult(labelOf(mutation))]));
const left = mutations.filter((mutation) => results.get(labelOf(mutation)) === undefined);
const copies = await Promise.all(Array.from({ length: WORKERS }, async (_, at) => makeCopy(join(folder, String(at)))));

const failing = new Set<string>();
let slowestMs = 0;
await runUnchanged([...new Set(left.flatMap(({ file }) => graph.specsOf(file)))]);
await Promise.all(copies.map(async (copy) => tryMutations(copy)));
const caught = [...results.values()].filter((result) => result?.startsWith('killed')).length;
console.log(`${caught} of ${mutations.length} caught`);

function labelOf({ file, line, column, operator }: RandomMutation): string {
  return `${file}:${line}:${column} ${operator}`;
}

function knownResult(label: string): string | undefined {
  const line = known.split('\n').find((text) => text.startsWith(`${label} | `));
  return line?.slice(label.length + 3);
}

/** Copies the project without what it builds; the links to its workspaces lead to the copy. */
async function makeCopy(copy: string): Promise<string> {
  await cp(project, copy, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  await mkdir(join(copy, 'node_modules/@orders-pipeline'), { recursive: true });
  for (const name of await readdir(join(project, 'node_modules')))
    if (name !== '@orders-pipeline')
      await symlink(join(project, 'node_modules', name), join(copy, 'node_modules', name));
  for (const name of await readdir(join(project, 'node_modules/@orders-pipeline')))
    await symlink(join(copy, 'libs', name), join(copy, 'node_modules/@orders-pipeline', name));
  for (const name of ['jest.config.mjs', 'reproducible-runs.mjs', 'given-order.mjs', 'case-reporter.mjs'])
    await cp(join(PROJECT_DIRECTORY, 'test/mutants', name), join(copy, 'test/mutants', name));
  return copy;
}

/** Runs the specs without a mutation: those that fail are left out, since they would notice nothing. */
async function runUnchanged(specs: string[]): Promise<void> {
  let cases = 0;
  await runSpecs(copies[0] ?? '', specs, ({ file, ms = 0, failed }) => {
    cases += 1;
    slowestMs = Math.max(slowestMs, ms);
    if (failed !== undefined) failing.add(file);
    return false;
  });
  if (specs.length > 0 && cases === 0) throw new Error(`the specs of ${project} could not run`);
  for (const file of failing) console.log(`left out, since it fails without a mutation: ${file}`);
}

async function tryMutations(copy: string): Promise<void> {
  for (let mutation = left.shift(); mutation !== undefined; mutation = left.shift()) {
    const result = await tryMutation(copy, mutation);
    const label = labelOf(mutation);
    results.set(label, result);
    console.log(`${label} | ${result}`);
    if (values.resume !== undefined) appendFileSync(values.resume, `${label} | ${result}\n`);
  }
}

async function tryMutation(copy: string, { file, from, to, by }: RandomMutation): Promise<string> {
  const specs = graph.specsOf(file).filter((spec) => !failing.has(spec));
  if (specs.length === 0) return 'no spec';
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  await writeFile(path, text.slice(0, from) + by + text.slice(to));
  let killer: string | undefined;
  const ended = await runSpecs(copy, specs, ({ failed }) => {
    killer ??= failed;
    return failed !== undefined;
  });
  await writeFile(path, text);
  if (killer === undefined && ended !== 'green' && ended !== 'too long') killer = ended;
  return killer === undefined ? 'survived' : `killed by "${killer}"`;
}

/**
 * Runs spec files in their order until one is reported that `isEnough`.
 * @returns how the run ended, unless that ended it
 */
async function runSpecs(
  copy: string,
  specs: string[],
  isEnough: (report: CaseReport) => boolean,
): Promise<'green' | 'too long' | 'a hang' | 'a crash'> {
  const [limitMs, caseMs] =
    slowestMs === 0 ? [3_600_000, 600_000] : [MUTATION_MS, Math.max(LEAST_CASE_MS, 10 * slowestMs)];
  const mutants = join(copy, 'test/mutants');
  const { MODEL_RUNS: _quick, ...env } = process.env;
  const jest = spawn(
    process.execPath,
    [
      '--max-old-space-size=1024',
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      join(project, 'node_modules/jest/bin/jest.js'),
      '--config',
      join(mutants, 'jest.config.mjs'),
      '--testSequencer',
      join(mutants, 'given-order.mjs'),
      '--reporters',
      join(mutants, 'case-reporter.mjs'),
      '--runInBand',
      '--runTestsByPath',
      ...specs,
    ],
    { cwd: copy, env: { ...env, MUTANT_DIRECTORY: copy }, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const exited = once(jest, 'exit');
  let ended: 'too long' | 'a hang' | undefined;
  const end = (how: typeof ended): void => {
    ended = how;
    jest.kill('SIGKILL');
  };
  const limit = setTimeout(end, limitMs, 'too long');
  const hang = setTimeout(end, caseMs, 'a hang');
  for await (const line of createInterface(jest.stdout)) {
    hang.refresh();
    if (line.startsWith('{') && isEnough(JSON.parse(line) as CaseReport)) end(undefined);
  }
  await exited;
  clearTimeout(limit);
  clearTimeout(hang);
  return ended ?? (jest.exitCode === 0 ? 'green' : 'a crash');
}
