import { spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { Mutant } from './mutant.js';

const ENGINE = join(PROJECT_DIRECTORY, 'libs/parallel-consumer/src');
const COPIES = join(PROJECT_DIRECTORY, 'dist/mutants');
const PROPERTIES = 'parallel-consumer.property';
/** A mutant that makes the specs run for ever is as dead as one that makes them fail. */
const RUN_WITHIN_MS = 120_000;

/** As Jest names a failure: the describes and the spec. */
const FIRST_FAILURE = /^ {2}● (.+)$/m;

/** How the specs ended: all green, or the first that was red; `no-end`: they took too long. */
export type SpecRun = { readonly ended: 'green' | 'no-end' } | { readonly ended: 'red'; readonly first: string };

/** A copy of the engine and its specs, below dist/, in which one file at a time is mutated. */
export class EngineCopy {
  private constructor(private readonly directory: string) {}

  /** @param name of a folder, which is made anew */
  static async make(name: string): Promise<EngineCopy> {
    const copy = new EngineCopy(join(COPIES, name));
    await copy.remove();
    await mkdir(copy.directory, { recursive: true });
    await cp(ENGINE, copy.directory, { recursive: true });
    return copy;
  }

  /**
   * Runs the specs on the engine as it is, or with one mutant in it, which is taken out again.
   * @throws Error when the mutant's text isn't there exactly once, or when specs could not be run at all
   */
  async run(mutant?: Mutant): Promise<SpecRun> {
    if (mutant === undefined) return this.runSpecs('');
    const file = join(this.directory, mutant.file);
    const text = await readFile(file, 'utf8');
    const found = text.split(mutant.replace).length - 1;
    if (found !== 1) throw new Error(`${mutant.file} has the text of '${mutant.name}' ${found} times: mend the mutant`);
    await writeFile(
      file,
      text.replace(mutant.replace, () => mutant.by),
    );
    try {
      return await this.runSpecs(mutant.specs ?? PROPERTIES);
    } finally {
      await writeFile(file, text);
    }
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  private async runSpecs(which: string): Promise<SpecRun> {
    const { code, output } = await runJest(this.directory, which);
    if (code === 0) return { ended: 'green' };
    if (code === null) return { ended: 'no-end' };
    const first = FIRST_FAILURE.exec(output)?.[1];
    if (first === undefined || first === 'Test suite failed to run')
      throw new Error(`The specs could not be run:\n${output}`);
    return { ended: 'red', first };
  }
}

/** Resolves to the exit code, `null` when it had to be killed, and to what it printed. */
async function runJest(directory: string, which: string): Promise<{ code: number | null; output: string }> {
  const jest = join(PROJECT_DIRECTORY, 'node_modules/jest/bin/jest.js');
  const config = join(PROJECT_DIRECTORY, 'test/mutants/jest.config.mjs');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(
    process.execPath,
    [...flags, jest, '--config', config, '--colors=false', '--testPathPatterns', which],
    {
      cwd: PROJECT_DIRECTORY,
      env: { ...process.env, MUTANT_DIRECTORY: directory },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: RUN_WITHIN_MS,
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
