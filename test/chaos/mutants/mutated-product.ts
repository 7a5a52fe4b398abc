import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';

export const CAUGHT_BY = ['equation', 'order', 'attempts', 'reads', 'repeats'] as const;
export type CaughtBy = (typeof CAUGHT_BY)[number];

/** A defect of the product, as text replacements in its compiled files. */
export interface ProductMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Fault kinds under which the defect must be detected. */
  readonly faults: readonly string[];
  /**
   * The check that must detect it: lost, doubled or altered orders (`equation`); orders of an account out of order (`order`); attempts
   * that break the engine's promises (`attempts`); wrong answers to reads (`reads`); or far more repeated saves than usual (`repeats`).
   */
  readonly caughtBy: CaughtBy;
  /** How many producers and query APIs run: 1 of each, or 2 if the defect shows only with another one. Default: 1. */
  readonly copies?: 1 | 2;
  /** How long new faults begin, in minutes; set if the default is too short. */
  readonly minutes?: number;
  /** Seed of the fault schedule; set if the default seed does not detect the defect. */
  readonly seed?: number;
  /** App settings; set if the defect shows only with these. */
  readonly settings?: NodeJS.ProcessEnv;
}

export interface Edit {
  /** Path in the compiled product, such as `apps/consumer/src/save/bulk-insert.js`. */
  readonly file: string;
  /** Must occur exactly once in the file, so that a mutant is updated when its code changes. */
  readonly replace: string;
  readonly by: string;
}

/** The scope of the packages in libs/. */
const PACKAGES = '@orders-pipeline';

/**
 * A copy of the compiled product that holds one mutant at a time. It is a separate package, so that `#orders/…` resolves to its own
 * libraries.
 */
export class MutatedProduct {
  private constructor(private readonly root: string) {}

  /** @param root folder of the copy; emptied first */
  static async at(root: string): Promise<MutatedProduct> {
    await rm(root, { recursive: true, force: true });
    await mkdir(join(root, 'dist'), { recursive: true });
    for (const part of ['apps', 'libs'])
      await cp(join(PROJECT_DIRECTORY, 'dist', part), join(root, 'dist', part), { recursive: true });
    await cp(join(PROJECT_DIRECTORY, 'package.json'), join(root, 'package.json'));
    await linkModules(root);
    return new MutatedProduct(root);
  }

  /** Folder of its compiled apps and libraries. */
  get directory(): string {
    return join(this.root, 'dist');
  }

  /** Applies a mutant. @returns a function that reverts it @throws Error unless each replaced text occurs exactly once */
  async put({ name, edits }: Pick<ProductMutant, 'name' | 'edits'>): Promise<() => Promise<void>> {
    const before = new Map<string, string>();
    for (const { file, replace, by } of edits) {
      const path = join(this.root, file);
      const text = await readFile(path, 'utf8');
      const found = text.split(replace).length - 1;
      if (found !== 1)
        throw new Error(
          `${file} contains the text of mutant '${name}' ${found} times instead of once: update the mutant`,
        );
      before.set(path, text);
      await writeFile(
        path,
        text.replace(replace, () => by),
      );
    }
    return async () => {
      for (const [path, text] of before) await writeFile(path, text);
    };
  }
}

/** Copies the packages of this project, so that they can be mutated, and links all others. */
async function linkModules(root: string): Promise<void> {
  const modules = join(root, 'node_modules');
  await mkdir(join(modules, PACKAGES), { recursive: true });
  for (const name of await readdir(join(PROJECT_DIRECTORY, 'node_modules')))
    if (name !== PACKAGES) await symlink(join(PROJECT_DIRECTORY, 'node_modules', name), join(modules, name));
  for (const name of await readdir(join(PROJECT_DIRECTORY, 'node_modules', PACKAGES))) {
    for (const part of ['package.json', 'dist'])
      await cp(join(PROJECT_DIRECTORY, 'libs', name, part), join(root, 'libs', name, part), { recursive: true });
    await symlink(join(root, 'libs', name), join(modules, PACKAGES, name));
  }
}
