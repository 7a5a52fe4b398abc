import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { MIGRATION_MUTANTS } from './chaos/migration/mutants/migration-mutants.js';
import { PRODUCT_MUTANTS, type ProductEdits } from './chaos/mutants/product-mutants.js';
import { mutated } from './mutants/mutant.js';

const ALL = Object.entries<ProductEdits>({ ...PRODUCT_MUTANTS, ...MIGRATION_MUTANTS });

describe('the mutants of the fault tests', () => {
  it.each(ALL)('fit the compiled product: %s', async (name, { also = [], ...first }) => {
    for (const edit of [first, ...also]) {
      const text = await readFile(join(PROJECT_DIRECTORY, edit.file), 'utf8');
      expect(mutated(text, name, edit)).not.toBe(text);
    }
  });
});
