import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { SOURCES } from './mutated-sources.js';

describe.each(SOURCES.map((source) => [source.name, source] as const))(
  'the mutants of the source %s',
  (_name, source) => {
    it.each(source.mutants.map((mutant) => [mutant.name, mutant] as const))(
      'fit its code: %s',
      async (_mutant, { file, replace }) => {
        const text = await readFile(join(PROJECT_DIRECTORY, source.folder, file), 'utf8');
        expect(text.split(replace).length - 1).toBe(1);
      },
    );
  },
);
