import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/problem.js';

/** Files of one import, at the most: ten million orders in chunks of 1,000 are 10,000. */
export const MAX_FILES = 50_000;

export function tooManyFiles(): Problem {
  const detail = `There are more than ${MAX_FILES} files. Nothing was imported: send them in several imports.`;
  return new Problem(HttpStatus.PAYLOAD_TOO_LARGE, 'too-many-files', detail);
}

/** Bytes that one import may have, all files together, as they are unpacked. */
export class ByteBudget {
  private left: number;

  constructor(private readonly maxBytes: number) {
    this.left = maxBytes;
  }

  /** @throws Problem 413 once more was spent than there is */
  spend(bytes: number): void {
    this.left -= bytes;
    if (this.left >= 0) return;
    throw new Problem(
      HttpStatus.PAYLOAD_TOO_LARGE,
      'import-too-large',
      `The files have more than ${this.maxBytes} bytes together (setting IMPORT_MAX_BYTES). Nothing was imported: send them in several imports.`,
    );
  }
}
