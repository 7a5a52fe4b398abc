import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** A fenced code block of a package's page. */
export interface CodeBlock {
  /** Its section, with a number from the second block of the same language on, such as `Start` or `Start (2)`. */
  readonly name: string;
  /** `ts`, `js` and `sh` are run, `json` is a file. Nothing else is allowed. */
  readonly language: string;
  readonly code: string;
}

const HEADING_OR_BLOCK = /^#+ (?<heading>.+)$|^```(?<language>\w*)\n(?<code>[^]*?)^```$/gm;

/** Reads the code blocks of a page of a package, in order. @param page its path in `libs/` */
export async function readCodeBlocks(page: string): Promise<CodeBlock[]> {
  const text = await readFile(join(PROJECT_DIRECTORY, 'libs', page), 'utf8');
  const blocks: CodeBlock[] = [];
  const counts = new Map<string, number>();
  let section = '';
  for (const { groups } of text.matchAll(HEADING_OR_BLOCK)) {
    const { heading, language = '', code = '' } = groups ?? {};
    if (heading !== undefined) {
      section = heading;
      continue;
    }
    const count = (counts.get(`${section} ${language}`) ?? 0) + 1;
    counts.set(`${section} ${language}`, count);
    blocks.push({ name: count === 1 ? section : `${section} (${count})`, language, code });
  }
  return blocks;
}
