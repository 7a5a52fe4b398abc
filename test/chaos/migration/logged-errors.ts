import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** pino's level of errors. */
const ERROR = 50;
/** What operators must see, although nothing is wrong with the facade. */
const EXPECTED = new Set(['stage rolled back', 'limit passed, stage not rolled back']);

/** Returns the unexpected errors in the logs of all facades, one line each. */
export async function errorsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('facade'));
  const logs = await Promise.all(
    names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const),
  );
  return logs.flatMap(([name, text]) => unexpectedErrors(text).map((error) => `${name}: ${error}`));
}

/** @param text a log of JSON lines @returns the unexpected errors, each message once; lines that are no JSON are errors too */
export function unexpectedErrors(text: string): string[] {
  const errors = text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { level, msg, err } = parsed(line);
    if (level !== undefined && (level < ERROR || EXPECTED.has(msg ?? ''))) return [];
    const message = [msg ?? line, err?.message ?? ''].join(' ').trim();
    return [message.split('\n', 1).join('').slice(0, 300)];
  });
  return [...new Set(errors)];
}

interface Line {
  readonly level?: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    // Such as a stack that the process prints when it crashes.
    return {};
  }
}
