import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';

/** The pages for operators. Each of their commands is run by a spec: see `commands.ts`. */
export const PAGES = [
  'docs/operations.md',
  'docs/runbooks.md',
  'docs/upgrade.md',
  'docs/recovery.md',
  'docs/archive.md',
] as const;

const SHELL_BLOCK = /^ *```sh\n(?<code>[^]*?)^ *```$/gm;
const ANY_BLOCK = /^ *```[^]*?^ *```$/gm;
const INLINE_CODE = /`(?<code>[^`\n]+)`/g;
/** A program with arguments, or a call in mongosh. */
const COMMAND =
  /^(?:npm run (?:admin|migration|orders|reconcile|scale) |(?:docker|curl|kafka-[a-z-]+\.sh|mongosh|openssl|prometheus|du|kill|node) |(?:db|rs)\.\S+\()/;

/** Returns the commands of a page: those in its shell blocks, without comments, and those in the text. Without repetitions. */
export function readCommands(page: string): string[] {
  const text = readFileSync(join(PROJECT_DIRECTORY, page), 'utf8');
  const inBlocks = [...text.matchAll(SHELL_BLOCK)].flatMap(({ groups }) => splitCommands(groups?.['code'] ?? ''));
  const inText = [...text.replaceAll(ANY_BLOCK, '').matchAll(INLINE_CODE)]
    // In a table, a pipe is escaped.
    .map(({ groups }) => (groups?.['code'] ?? '').replaceAll(String.raw`\|`, '|'))
    .filter((code) => COMMAND.test(code));
  return [...new Set([...inBlocks, ...inText])];
}

/** Returns a command in one line. */
export function normalizeCommand(command: string): string {
  return command.replaceAll('\\\n', ' ').replaceAll(/\s+/g, ' ').trim();
}

/** Splits a shell block into its commands: one that ends in a backslash or within quotes continues on the next line. */
export function splitCommands(code: string): string[] {
  const commands: string[] = [];
  const lines = code.split('\n');
  const indent = /^ */.exec(lines[0] ?? '')?.[0].length ?? 0;
  let open = '';
  for (const line of lines) {
    open += open === '' ? line.slice(indent) : `\n${line.slice(indent)}`;
    if (isContinued(open)) continue;
    const command = open.replace(/(?:^| {2,}| )#[^'"\n]*$/, '').trim();
    if (command !== '') commands.push(command);
    open = '';
  }
  return commands;
}

function isContinued(code: string): boolean {
  const isQuoteOpen = ['"', "'"].some((quote) => (code.split(quote).length - 1) % 2 === 1);
  return code.endsWith('\\') || isQuoteOpen;
}
