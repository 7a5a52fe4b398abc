/**
 * `npm run test:random-mutants -- --seed 43 --count 300 [--under FOLDER] [--project DIR] [--resume FILE]`: measures how many random
 * changes of the product its unit specs notice. The seed alone chooses the changes: two trees with nearly the same code get nearly the same.
 * --under: only files whose path begins so. --project: another tree of this project. --resume: appends each result to FILE, and skips those in it.
 * Prints `path:line:column operator | killed by "spec" | survived | no spec`, one of the three, and `N of COUNT caught`. The share is no gate: exits with 0.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ProjectCopies, type ProjectCopy } from './project-copies.js';
import { ImportGraph, mutationsOf, type RandomMutation } from './random-mutations.js';

/** Related specs that have not noticed a mutation by then do not notice it. */
const MUTATION_MS = 300_000;
/** The number of random walks of the migration; the model of the engine runs a third of its sequences. */
const SHORT_MODEL_RUNS = '25';

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
const graph = new ImportGraph(project);
const mutations = graph
  .productFiles()
  .filter(([file]) => file.startsWith(values.under))
  .flatMap(([file, source]) => mutationsOf(file, source, values.seed))
  .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
  .slice(0, Number(values.count));
const results = new Map(mutations.map((mutation) => [labelOf(mutation), knownResult(labelOf(mutation))]));
const left = mutations.filter((mutation) => results.get(labelOf(mutation)) === undefined);

const copies = await ProjectCopies.of(project, SHORT_MODEL_RUNS);
// A spec that fails without a mutation would notice all.
const failing = await copies.runUnchanged(left.flatMap(({ file }) => graph.specsOf(file)));
for (const { spec, reason } of failing) console.log(`left out, since it fails without a mutation: ${spec}: ${reason}`);
const leftOut = new Set(failing.map(({ spec }) => spec));
await copies.forEach(left, tryMutation);
copies.remove();
const caught = [...results.values()].filter((result) => result?.startsWith('killed')).length;
console.log(`${caught} of ${mutations.length} caught`);

function labelOf({ file, line, column, operator }: RandomMutation): string {
  return `${file}:${line}:${column} ${operator}`;
}

function knownResult(label: string): string | undefined {
  const line = known.split('\n').find((text) => text.startsWith(`${label} | `));
  return line?.slice(label.length + 3);
}

async function tryMutation(mutation: RandomMutation, copy: ProjectCopy): Promise<void> {
  const result = await resultOf(mutation, copy);
  const label = labelOf(mutation);
  results.set(label, result);
  console.log(`${label} | ${result}`);
  if (values.resume !== undefined) appendFileSync(values.resume, `${label} | ${result}\n`);
}

async function resultOf({ file, from, to, by }: RandomMutation, copy: ProjectCopy): Promise<string> {
  const specs = graph.specsOf(file).filter((spec) => !leftOut.has(spec));
  if (specs.length === 0) return 'no spec';
  const change = (text: string): string => text.slice(0, from) + by + text.slice(to);
  const failure = await copy.firstFailure(file, change, specs, MUTATION_MS);
  if (failure === undefined) return 'survived';
  return `killed by "${failure.isCase ? failure.reason : `${failure.spec} could not run`}"`;
}
