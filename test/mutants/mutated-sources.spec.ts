import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { mutated } from './mutant.js';
import { SOURCES } from './mutated-sources.js';

const ALL = SOURCES.flatMap(({ name: source, folder, mutants }) =>
  Object.entries(mutants).map(([name, mutant]) => ({ source, folder, name, mutant })),
);

describe('the mutants', () => {
  it.each(ALL)('of the source $source fit its code: $name', async ({ folder, name, mutant }) => {
    const text = await readFile(join(PROJECT_DIRECTORY, folder, mutant.file), 'utf8');
    expect(mutated(text, name, mutant)).not.toBe(text);
  });
});
