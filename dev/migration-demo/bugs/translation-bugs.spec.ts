import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../project-directory.js';
import { TRANSLATION_BUGS, withBug } from './translation-bugs.js';

describe('the translation bugs of the demo', () => {
  it.each(TRANSLATION_BUGS)('$name: can be planted in the compiled file', (bug) => {
    const text = readFileSync(join(PROJECT_DIRECTORY, bug.file), 'utf8');
    expect(withBug(text, bug)).toContain(bug.by);
  });
});
