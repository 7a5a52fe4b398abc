import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { normalizeCommand, PAGES, readCommands, splitCommands } from './support/documented/run-documented.js';

/** Returns a command as the literal of a source file, in each kind of quotes. */
function literalsOf(command: string): string[] {
  const escaped = command.replaceAll('\\', '\\\\');
  return [`'${escaped.replaceAll("'", "\\'")}'`, `"${escaped.replaceAll('"', '\\"')}"`, `\`${escaped}\``];
}

describe('the pages for operators', () => {
  const test = join(PROJECT_DIRECTORY, 'test');
  const sources = readdirSync(test, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(test, file), 'utf8'));

  it.each(PAGES)('%s has no command that no spec runs', (page) => {
    const commands = readCommands(page).map(normalizeCommand);
    expect(commands.length).toBeGreaterThan(3);
    const notRun = commands.filter((command) => {
      const literals = literalsOf(command);
      return !sources.some((source) => literals.some((literal) => source.includes(literal)));
    });
    expect(notRun).toEqual([]);
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
