import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { Run } from '../run-app.js';
import { documented, type DocumentedCommand } from './commands.js';

const ENDS_WITHIN_MS = 120_000;

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

/** Runs commands of a page in one shell, as an operator types them. @returns how the last one ended, and the output of all */
export async function runDocumented(
  commands: DocumentedCommand | readonly DocumentedCommand[],
  { replacing = {}, env = {}, directory = PROJECT_DIRECTORY, programs = [] }: DocumentedRun = {},
): Promise<Run> {
  const script = replaceAll([commands].flat().map(documented).join('\n'), replacing);
  const path = [...programs, process.env['PATH']].join(delimiter);
  const options = {
    cwd: directory,
    env: { ...process.env, ...env, PATH: path },
    timeout: ENDS_WITHIN_MS,
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
