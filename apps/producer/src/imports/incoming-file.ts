import { HttpStatus } from '@nestjs/common';
import { validateFileName } from 'yauzl';
import { Problem } from '#service/http/problem.js';
import type { FileReason } from '#orders/imports/import-manifest.js';

/** A received file of an import. Read its content to the end before requesting the next file. */
export interface IncomingFile {
  /** The client's name for the file, including folders. It is only a label, never used as a local path. */
  readonly name: string;
  /** The bytes of the file, or the reason why it is not read. */
  readonly content: AsyncIterable<Buffer> | FileReason;
}

const MAX_NAME_LENGTH = 512;

export function isRefused(content: IncomingFile['content']): content is FileReason {
  return 'code' in content;
}

/** The reason for rejecting a file without the extension .json. */
export const NOT_A_JSON_FILE: FileReason = {
  code: 'not-json-file',
  detail: 'its name does not end in .json, so it was not read',
};

/** Returns the name if it is safe. @throws Problem 422 for a name that is too long or leads out of its folder */
export function checkedName(name: string): string {
  const fault = name.length > MAX_NAME_LENGTH ? `it is longer than ${MAX_NAME_LENGTH} characters` : findFault(name);
  if (fault === undefined) return name;
  throw new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'unsafe-path',
    `The file name ${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))} is not allowed: ${fault}. Nothing was imported.`,
  );
}

function findFault(name: string): string | undefined {
  if (/\p{Cc}/u.test(name)) return 'it contains control characters';
  return validateFileName(name.replaceAll('\\', '/'))?.split(':')[0];
}
