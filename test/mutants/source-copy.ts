import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { Mutant, MutatedSource } from './mutant.js';

const COPIES = join(PROJECT_DIRECTORY, 'dist/mutants');
/** Matches Jest's title of a failure: the describe blocks and the test name. */
const FIRST_FAILURE = /^ {2}● (.+)$/m;

/** Result of the specs: all green; red with the first failure; or `no-end` for a timeout. */
export type SpecRun = { readonly ended: 'green' | 'no-end' } | { readonly ended: 'red'; readonly first: string };

/** A copy of a source folder and its specs, in dist/, in which one file at a time is mutated. */
export class SourceCopy {
  private constructor(
    private readonly directory: string,
    private readonly source: MutatedSource,
  ) {}

  /** @param name name of the folder, which is emptied first */
  static async make(source: MutatedSource, name: string): Promise<SourceCopy> {
    const copy = new SourceCopy(join(COPIES, name), source);
    await copy.remove();
    await mkdir(copy.directory, { recursive: true });
    await cp(join(PROJECT_DIRECTORY, source.folder), copy.directory, { recursive: true });
    return copy;
  }

  /**
   * Runs the specs on the unchanged source, or on one mutant, which is reverted afterwards.
   * @param withinMs a run that takes longer is ended, in ms
   * @throws Error unless the mutant's text occurs exactly once, or if the specs could not run
   */
  async run(withinMs: number, mutant?: Mutant): Promise<SpecRun> {
    if (mutant === undefined) return this.runSpecs(this.source.unchanged ?? '', withinMs);
    const file = join(this.directory, mutant.file);
    const text = await readFile(file, 'utf8');
    const found = text.split(mutant.replace).length - 1;
    if (found !== 1)
      throw new Error(
        `${mutant.file} contains the text of '${mutant.name}' ${found} times instead of once: update the mutant`,
      );
    await writeFile(
      file,
      text.replace(mutant.replace, () => mutant.by),
    );
    try {
      return await this.runSpecs(mutant.specs ?? this.source.specs, withinMs);
    } finally {
      await writeFile(file, text);
    }
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  private async runSpecs(which: string, withinMs: number): Promise<SpecRun> {
    const { code, output } = await runJest(this.directory, which, withinMs);
    if (code === 0) return { ended: 'green' };
    if (code === null) return { ended: 'no-end' };
    const first = FIRST_FAILURE.exec(output)?.[1];
    if (first === undefined || first === 'Test suite failed to run')
      throw new Error(`the specs could not run:\n${output}`);
    return { ended: 'red', first };
  }
}

/** Runs Jest. @returns its exit code, `null` after a timeout, and its output */
async function runJest(
  directory: string,
  which: string,
  withinMs: number,
): Promise<{ code: number | null; output: string }> {
  const jest = join(PROJECT_DIRECTORY, 'node_modules/jest/bin/jest.js');
  const config = join(PROJECT_DIRECTORY, 'test/mutants/jest.config.mjs');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(
    process.execPath,
    [...flags, jest, '--config', config, '--colors=false', '--testPathPatterns', which],
    {
      cwd: PROJECT_DIRECTORY,
      env: { ...process.env, MUTANT_DIRECTORY: directory, MODEL_RUNS: 'all' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: withinMs,
      killSignal: 'SIGKILL',
    },
  );
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  child.once('error', reject);
  return { code: await promise, output };
}
