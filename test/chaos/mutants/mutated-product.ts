import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { ProductMutant } from './product-mutant.js';

/** A copy of the compiled product, in which one mutant at a time lives. A package of its own: `#orders/…` must lead to its own libraries. */
export class MutatedProduct {
  private constructor(private readonly root: string) {}

  /** @param root is made anew */
  static async at(root: string): Promise<MutatedProduct> {
    await rm(root, { recursive: true, force: true });
    await mkdir(join(root, 'dist'), { recursive: true });
    for (const part of ['apps', 'libs'])
      await cp(join(PROJECT_DIRECTORY, 'dist', part), join(root, 'dist', part), { recursive: true });
    await cp(join(PROJECT_DIRECTORY, 'package.json'), join(root, 'package.json'));
    await symlink(join(PROJECT_DIRECTORY, 'node_modules'), join(root, 'node_modules'));
    return new MutatedProduct(root);
  }

  /** Where its compiled apps are. */
  get directory(): string {
    return join(this.root, 'dist');
  }

  /** @returns what takes it out again @throws Error when its text isn't there exactly once */
  async put({ name, edits }: ProductMutant): Promise<() => Promise<void>> {
    const before = new Map<string, string>();
    for (const { file, replace, by } of edits) {
      const path = join(this.directory, file);
      const text = await readFile(path, 'utf8');
      const found = text.split(replace).length - 1;
      if (found !== 1) throw new Error(`${file} has the text of '${name}' ${found} times: mend the mutant`);
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
