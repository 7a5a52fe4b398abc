import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { readStackOptions } from '../dev/supervisor/stack-options.js';
import { normalizeCommand, PAGES, readCommands, splitCommands } from './support/documented/run-documented.js';

/** Returns a command as the literal of a source file, in each kind of quotes. */
function literalsOf(command: string): string[] {
  const escaped = command.replaceAll('\\', '\\\\');
  return [`'${escaped.replaceAll("'", "\\'")}'`, `"${escaped.replaceAll('"', '\\"')}"`, `\`${escaped}\``];
}

/** Commands that no spec runs by the text of their page, with what runs instead. */
const NOT_RUN: readonly (readonly [commands: RegExp, instead: string])[] = [
  [/^(?:MONGODB_URI=\S+ )?npm start\b/, 'stack.spec.ts and others start stacks with these flags; here they are parsed'],
  [/^npm run (?:reset|check|test:real)\b/, 'stack-set-up.spec.ts runs reset; CI runs the others'],
  [
    /^docker (?:swarm|build|service|node) |^deploy\/swarm\/|^ORDERS_IMAGE=/,
    'npm run test:swarm, in an engine without a registry',
  ],
  [/^docker compose --profile dev up$|^docker compose -f |^FACADE_URL=/, 'npm run test:compose starts these profiles'],
  [/^OTEL_EXPORTER_OTLP_ENDPOINT=\S+ npm start$/, 'npm run test:monitoring starts a stack with a Jaeger'],
  [/^prometheus /, 'npm run test:monitoring starts it, with ports of its own'],
  [/^npm (?:init|pkg|install) |^npx |^node main\.js$/, 'npm run test:clients, with fixed versions'],
  [/^pip install |^openapi-generator-cli /, 'npm run test:clients, with fixed versions'],
  [/^npm run migration -- (?:demo|promote .+)$/, 'npm run test:chaos-migration, by the same journey'],
  [/^db\.orders\.deleteMany/, 'needs wrong orders: stores.spec.ts deletes them with the driver'],
];

const isRunInstead = (command: string): boolean => NOT_RUN.some(([commands]) => commands.test(command));

describe('the pages', () => {
  const test = join(PROJECT_DIRECTORY, 'test');
  const sources = readdirSync(test, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(test, file), 'utf8'));

  it.each(PAGES)('%s has no command that no spec runs', (page) => {
    const commands = readCommands(page)
      .map(normalizeCommand)
      .filter((command) => !isRunInstead(command));
    expect(commands).not.toEqual([]);
    const notRun = commands.filter((command) => {
      const literals = literalsOf(command);
      return !sources.some((source) => literals.some((literal) => source.includes(literal)));
    });
    expect(notRun).toEqual([]);
  });

  it('have only flags of npm start that it accepts', () => {
    const starts = PAGES.map((page) => readFileSync(join(PROJECT_DIRECTORY, page), 'utf8')).flatMap((text) =>
      [...text.matchAll(/npm start -- (--[^`\n]+)/g)].map(([, flags = '']) => flags.trim()),
    );
    expect(starts.length).toBeGreaterThan(5);
    for (const flags of starts.filter((each) => each !== '--help'))
      expect(() => readStackOptions(flags.split(/\s+/), {}, PROJECT_DIRECTORY)).not.toThrow();
  });

  it('have all commands that are run instead', () => {
    const all = PAGES.flatMap(readCommands).map(normalizeCommand);
    expect(NOT_RUN.filter(([commands]) => !all.some((command) => commands.test(command)))).toEqual([]);
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
