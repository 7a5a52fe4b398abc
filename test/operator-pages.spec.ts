import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { COMMANDS } from './support/documented/commands.js';
import { normalizeCommand, PAGES, readCommands, splitCommands } from './support/documented/pages.js';

/** Removes what differs between a command and its text in a source file: quotes, escapes and line breaks. */
function bare(text: string): string {
  return normalizeCommand(text.replaceAll(/[\\'"`]/g, ''));
}

describe('the pages for operators', () => {
  it.each(PAGES)('%s has no command that no spec runs', (page) => {
    const commands = readCommands(page).map(normalizeCommand);
    expect(commands.length).toBeGreaterThan(3);
    expect(commands.filter((command) => !(command in COMMANDS))).toEqual([]);
  });

  it('have every command of the table', () => {
    const commands = new Set(PAGES.flatMap(readCommands).map(normalizeCommand));
    expect(Object.keys(COMMANDS).filter((command) => !commands.has(command))).toEqual([]);
  });

  it.each([...new Set(Object.values(COMMANDS))])('%s runs the commands that the table says', (file) => {
    const path = join(PROJECT_DIRECTORY, file);
    expect(existsSync(path)).toBe(true);
    const source = bare(readFileSync(path, 'utf8'));
    const own = Object.entries(COMMANDS).filter(([, runBy]) => runBy === file);
    expect(own.filter(([command]) => !source.includes(bare(command)))).toEqual([]);
  });
});

it('a shell block is split into its commands, without comments', () => {
  const block = [
    '   export A=1    # a setting',
    '   # only a comment',
    '   first --flag \\',
    '     --other    # why',
    "   second -e '",
    '     a # b',
    "   '",
    '',
  ].join('\n');
  expect(splitCommands(block)).toEqual(['export A=1', 'first --flag \\\n  --other', "second -e '\n  a # b\n'"]);
});
