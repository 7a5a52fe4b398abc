import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';

/** Maximum number of files of one import. Ten million orders in chunks of 1,000 are 10,000 files. */
export const MAX_FILES = 50_000;

export function tooManyFiles(): Problem {
  const detail = `An import must have at most ${MAX_FILES} files. Nothing was imported: send the files in several imports.`;
  return new Problem(HttpStatus.PAYLOAD_TOO_LARGE, 'too-many-files', detail);
}

/** Limits the total uncompressed size of an import's files, in bytes. */
export class ByteBudget {
  private left: number;

  constructor(private readonly maxBytes: number) {
    this.left = maxBytes;
  }

  /** @throws Problem 413 once the budget is exceeded */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new Problem(
      HttpStatus.PAYLOAD_TOO_LARGE,
      'import-too-large',
      `The files must have at most ${this.maxBytes} bytes in total (setting IMPORT_MAX_BYTES). Nothing was imported: send them in several imports.`,
    );
  }
}
