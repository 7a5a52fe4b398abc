/**
 * `npm run test:mutants [-- NAME]`: tests the tests of the engine, the facade, the intake, the leases, the archive, the compaction, the watermark and what services share. Applies one mutant after another to a copy of the
 * project and runs its specs, one of which must fail. NAME: only this source, or only mutants whose name contains it.
 * Prints `N passed, N failed` (a killed mutant passes), and exits with 0 only if all were killed.
 */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { mutated, type Edit, type MutatedSource } from './mutant.js';
import { SOURCES } from './mutated-sources.js';
import { ProjectCopies, type ProjectCopy } from './project-copies.js';

/** A mutant; the paths of its file and of its spec files are those in the project. */
interface ChosenMutant {
  readonly name: string;
  readonly edit: Edit;
  readonly specFiles: readonly string[];
}

const print = (line: string): void => console.log(line);

const only = process.argv.slice(2).join(' ');
const chosen = SOURCES.flatMap(chosenOf);
if (chosen.length === 0) throw new Error(`no source is named '${only}', and no mutant's name contains it`);
const copies = await ProjectCopies.of(PROJECT_DIRECTORY, 'all');
let passed = 0;
let failed = 0;

const unchanged = await copies.runUnchanged(chosen.flatMap(({ specFiles }) => specFiles));
for (const { spec, reason } of unchanged) print(`${spec} fails without a mutant: ${reason}`);
if (unchanged.length === 0) {
  print('mutant | killed by | seconds');
  // The longest first, so that no copy is left with one at the end.
  const longestFirst = chosen.toSorted((a, b) => copies.expectedMs(b.specFiles) - copies.expectedMs(a.specFiles));
  await copies.forEach(longestFirst, tryMutant);
}
copies.remove();
if (failed > 0 || passed === 0) process.exitCode = 1;
print(`${passed} passed, ${failed} failed`);

function chosenOf({ name: source, folder, specs, mutants }: MutatedSource): ChosenMutant[] {
  const files = globSync(`${folder}/**/*.spec.ts`, { cwd: PROJECT_DIRECTORY });
  return Object.entries(mutants)
    .filter(([name]) => source === only || name.includes(only))
    .map(([name, mutant]) => {
      const pattern = new RegExp(mutant.specs ?? specs);
      const specFiles = files.filter((file) => pattern.test(file));
      if (specFiles.length === 0) throw new Error(`'${name}': ${folder} has no spec file ${pattern.source}`);
      return { name, edit: { ...mutant, file: join(folder, mutant.file) }, specFiles };
    });
}

async function tryMutant(tried: ChosenMutant, copy: ProjectCopy): Promise<void> {
  const startedAt = performance.now();
  const killedBy = await killerOf(tried, copy);
  if (killedBy === undefined) failed += 1;
  else passed += 1;
  print(`${tried.name} | ${killedBy ?? 'SURVIVED'} | ${((performance.now() - startedAt) / 1_000).toFixed(1)}`);
}

/** @returns what killed the mutant; `undefined` if it survived or could not be applied */
async function killerOf({ name, edit, specFiles }: ChosenMutant, copy: ProjectCopy): Promise<string | undefined> {
  try {
    const shortestFirst = specFiles.toSorted((a, b) => copies.expectedMs([a]) - copies.expectedMs([b]));
    const failure = await copy.firstFailure(edit.file, (text) => mutated(text, name, edit), shortestFirst);
    if (failure?.isCase === false) throw new Error(`${failure.spec} could not run:\n${failure.reason}`);
    return failure?.reason;
  } catch (error) {
    print(String(error));
    return undefined;
  }
}
