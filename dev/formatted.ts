import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from './project-directory.js';

/**
 * Returns a generated file's text in the format that `npm run check:format` requires. Runs the formatter as a command: it belongs to the
 * packages of the checks, which the product is compiled without.
 * @throws Error with what the formatter reports, such as a syntax error of the text
 */
export async function formatted(file: string, text: string): Promise<string> {
  const formatter = join(PROJECT_DIRECTORY, 'node_modules', '.bin', 'oxfmt');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(formatter, [`--stdin-filepath=${file}`], { cwd: PROJECT_DIRECTORY }, (error, stdout) => {
    if (error === null) resolve(stdout);
    else reject(error);
  });
  child.stdin?.end(text);
  return promise;
}
