import { HttpStatus } from '@nestjs/common';
import { validateFileName } from 'yauzl';
import { Problem } from '#service/problem.js';
import type { FileReason } from '#orders/import-manifest.js';

/** A file of an import as it comes in. The next one is asked for when this one's content is read to its end. */
export interface IncomingFile {
  /** As its sender calls it, with folders: a label, never a path to anything here. */
  readonly name: string;
  /** Its bytes, or why it isn't read. */
  readonly content: AsyncIterable<Buffer> | FileReason;
}

const LONGEST_NAME = 512;

export function isRefused(content: IncomingFile['content']): content is FileReason {
  return 'code' in content;
}

/** What a file is refused for whose name says that it is something else. */
export const NOT_A_JSON_FILE: FileReason = {
  code: 'not-json-file',
  detail: 'its name does not end in .json, so it was not read',
};

/** @throws Problem 422 for a name that would lead out of its folder */
export function checkedName(name: string): string {
  const fault = name.length > LONGEST_NAME ? `it is longer than ${LONGEST_NAME} characters` : faultOf(name);
  if (fault === undefined) return name;
  throw new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'unsafe-path',
    `The file name ${JSON.stringify(name.slice(0, LONGEST_NAME))} is refused: ${fault}. Nothing was imported.`,
  );
}

function faultOf(name: string): string | undefined {
  if (/\p{Cc}/u.test(name)) return 'it has control characters';
  return validateFileName(name.replaceAll('\\', '/'))?.split(':')[0];
}
