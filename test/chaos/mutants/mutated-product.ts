import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { mutated } from '../../mutants/mutant.js';
import { linkPackages } from '../../mutants/project-copies.js';
import { inRunFolder } from '../run-folder.js';
import type { ProductEdits } from './product-mutants.js';

/** What came of a mutant. */
export interface MutantResult {
  /** Whether it was caught as required; of the unchanged product: whether nothing was found. */
  readonly isRight: boolean;
  /** In a line of text. */
  readonly how: string;
}

/** The servers on which all mutants run. */
export interface MutantServers<M> {
  /** @param productDirectory folder of the product with the mutant @param at its place */
  run(mutant: M, productDirectory: string, at: number): Promise<MutantResult>;
  stop(): Promise<unknown>;
}

/**
 * Runs one mutant after another on the same servers, and prints a line about each and `N passed, N failed`. Ends the process: with 0 only if all
 * passed. The first interruption ends the runs, the second one the process.
 */
export async function runMutants<M extends ProductEdits>(
  mutants: readonly (readonly [name: string, mutant: M])[],
  start: (directory: string, signal: AbortSignal) => Promise<MutantServers<M>>,
): Promise<never> {
  let passed = 0;
  await inRunFolder({ print: (line) => console.log(line) }, async (directory, signal) => {
    const product = await MutatedProduct.at(join(directory, 'product'));
    const servers = await start(directory, signal);
    try {
      console.log('mutant | caught by | seconds');
      for (const [at, [name, mutant]] of mutants.entries()) {
        if (signal.aborted) break;
        const began = performance.now();
        const revert = await product.put(name, mutant);
        const { isRight, how } = await servers.run(mutant, product.directory, at);
        await revert();
        if (isRight) passed += 1;
        console.log(`${name} | ${how} | ${((performance.now() - began) / 1_000).toFixed(1)}`);
      }
    } finally {
      await servers.stop();
    }
  });
  console.log(`${passed} passed, ${mutants.length - passed} failed`);
  process.exit(passed === mutants.length ? 0 : 1);
}

/**
 * A copy of the compiled product that holds one mutant at a time. It is a separate package, so that `#orders/…` resolves to its own
 * libraries.
 */
class MutatedProduct {
  private constructor(private readonly root: string) {}

  /** @param root folder of the copy; emptied first */
  static async at(root: string): Promise<MutatedProduct> {
    await rm(root, { recursive: true, force: true });
    await mkdir(root);
    const packages = await readdir(join(PROJECT_DIRECTORY, 'node_modules/@orders-pipeline'));
    const parts = packages.flatMap((name) => [`libs/${name}/package.json`, `libs/${name}/dist`]);
    for (const part of ['package.json', 'dist/apps', 'dist/libs', ...parts])
      await cp(join(PROJECT_DIRECTORY, part), join(root, part), { recursive: true });
    await linkPackages(PROJECT_DIRECTORY, root);
    return new MutatedProduct(root);
  }

  /** Folder of its compiled apps and libraries. */
  get directory(): string {
    return join(this.root, 'dist');
  }

  /** Applies a mutant. @returns a function that reverts it @throws Error unless each replaced text occurs exactly once */
  async put(name: string, { also = [], ...first }: ProductEdits): Promise<() => Promise<void>> {
    const before = new Map<string, string>();
    for (const edit of [first, ...also]) {
      const path = join(this.root, edit.file);
      const text = await readFile(path, 'utf8');
      if (!before.has(path)) before.set(path, text);
      await writeFile(path, mutated(text, name, edit));
    }
    return async () => {
      for (const [path, text] of before) await writeFile(path, text);
    };
  }
}
