import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sequencer from '@jest/test-sequencer';

const CONTRACT = join(import.meta.dirname, '../../libs/parallel-consumer/src/contract');

/**
 * Starts the spec files with the most to do first, so that no worker is left with a long one at the end. On a fresh clone Jest judges that by
 * the size of the file alone; the specs of `x.spec.ts` that share a pipeline are in the folder `x/`, which counts as well, and those of
 * the contract of a broker are beside the engine.
 */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const sizes = new Map(tests.map(({ path }) => [path, folderSize(folderOf(path))]));
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own method
    const sorted = super.sort(tests).toSorted((a, b) => sizes.get(b.path) - sizes.get(a.path));
    // Set by test/repeat.ts: how often each spec file runs.
    return Array.from({ length: Number(process.env.REPEAT_SPECS ?? 1) }, () => sorted).flat();
  }
}

function folderOf(path) {
  return path.endsWith('/broker-contract.spec.ts') ? CONTRACT : path.replace(/\.spec\.ts$/, '');
}

function folderSize(folder) {
  const files = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  return files.reduce((sum, file) => sum + statSync(`${folder}/${file}`).size, 0);
}
