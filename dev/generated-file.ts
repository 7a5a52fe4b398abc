import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { runCommand } from './machine/child-processes.js';

/** How many lines a failed check shows of each version of a file. */
const SHOWN_LINES = 4;

/**
 * Writes a generated file of the project. With the flag `--check`, the process writes nothing: a difference sets exit code 1, and its first
 * lines are printed.
 * @param file the path in the project
 * @param command the script that writes the file
 */
export async function updateGenerated(file: string, text: string, command: string): Promise<void> {
  const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
  const path = join(PROJECT_DIRECTORY, file);
  const before = existsSync(path) ? await readFile(path, 'utf8') : '';
  if (before === text) return;
  if (check) {
    process.stderr.write(`${file} is out of date: run \`${command}\`.\n${firstDifference(before, text)}\n`);
    process.exitCode = 1;
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

function firstDifference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const at = now.findIndex((line, index) => line !== old[index]);
  const start = at < 0 ? now.length : at;
  const shown = (lines: readonly string[], sign: string): string[] =>
    lines.slice(start, start + SHOWN_LINES).map((line) => `${sign} ${line}`);
  return [`line ${start + 1}:`, ...shown(old, '-'), ...shown(now, '+')].join('\n');
}

/**
 * Returns a generated file's text in the format that `npm run check:format` requires. Runs the formatter as a command: it belongs to the
 * packages of the checks, which the product is compiled without.
 * @throws Error with what the formatter reports, such as a syntax error of the text
 */
export async function formatted(file: string, text: string): Promise<string> {
  const formatter = join(PROJECT_DIRECTORY, 'node_modules', '.bin', 'oxfmt');
  return runCommand(formatter, [`--stdin-filepath=${file}`], { cwd: PROJECT_DIRECTORY, input: text });
}
