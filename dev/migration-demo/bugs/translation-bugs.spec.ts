import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../project-directory.js';
import { bugOf, TRANSLATION_BUGS } from './translation-bugs.js';
import { withBug } from './with-bug.js';

describe('the translation bugs of the demo', () => {
  it.each(TRANSLATION_BUGS)('$name: its text occurs exactly once in the compiled file', (bug) => {
    const text = readFileSync(join(PROJECT_DIRECTORY, bug.file), 'utf8');
    expect(text.split(bug.replace)).toHaveLength(2);
    expect(withBug(text, bug)).toContain(bug.by);
  });

  it('are found by name', () => {
    expect(bugOf('float-price')).toMatchObject({ field: 'price' });
    expect(bugOf('other')).toBeUndefined();
  });

  it.each(['createdAt: 1', 'currency: order.currency, currency: order.currency'])(
    'are not planted in code that has changed: %s',
    (text) => {
      const bug = bugOf('default-currency') ?? TRANSLATION_BUGS[0];
      expect(() => withBug(text, bug)).toThrow('update the bug');
    },
  );
});
