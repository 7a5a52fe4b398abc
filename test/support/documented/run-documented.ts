import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { HANG_GUARD_MS } from '../eventually.js';
import type { Run } from '../started-app.js';

/** The pages with commands. Each is run by a spec, which takes its text from the page: `test/documented-pages.spec.ts`. */
export const PAGES = [
  'README.md',
  'docs/start.md',
  'docs/own-orders.md',
  'docs/query.md',
  'docs/http-api.md',
  'docs/scale.md',
  'docs/run.md',
  'docs/alerts.md',
  'docs/migrate.md',
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

export interface DocumentedRun {
  /** What stands for the placeholders of the page, such as `OPERATION`, and for its addresses. Each must occur. */
  readonly replacing?: Readonly<Record<string, string>>;
  /** Environment variables besides those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default: the project's. */
  readonly directory?: string;
  /** Folders of programs that this machine lacks, such as Kafka's scripts. */
  readonly programs?: readonly string[];
}

/** The commands of all pages, once they are read. */
let allCommands: readonly string[] | undefined;

/** Returns a command as its page has it. @param command in one line. @throws Error if no page has it any more */
export function documented(command: string): string {
  allCommands ??= PAGES.flatMap(readCommands);
  const found = allCommands.find((each) => normalizeCommand(each) === command);
  if (found === undefined) throw new Error(`no page has the command: ${command}`);
  return found;
}

/** Runs commands of a page in one shell, as an operator types them. @returns how the last one ended, and the output of all */
export async function runDocumented(
  commands: string | readonly string[],
  { replacing = {}, env = {}, directory = PROJECT_DIRECTORY, programs = [] }: DocumentedRun = {},
): Promise<Run> {
  const script = replaceAll([commands].flat().map(documented).join('\n'), replacing);
  const path = [...programs, process.env['PATH']].join(delimiter);
  const options = {
    cwd: directory,
    env: { ...process.env, ...env, PATH: path },
    timeout: HANG_GUARD_MS,
    maxBuffer: 2 ** 26,
  };
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** Replaces each text. @throws RangeError if one does not occur: the page has changed */
export function replaceAll(command: string, replacing: Readonly<Record<string, string>>): string {
  let text = command;
  for (const [placeholder, value] of Object.entries(replacing)) {
    if (!text.includes(placeholder)) throw new RangeError(`${placeholder} does not occur in: ${command}`);
    text = text.replaceAll(placeholder, value);
  }
  return text;
}
