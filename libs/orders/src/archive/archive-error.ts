/**
 * Why an archive can't be made, read or brought back. The codes are stable.
 * - `archive-missing`: its file or its manifest is not in the folder
 * - `archive-damaged`: its file was cut short or altered
 * - `archive-newer`: a newer version of this program has made it
 * - `archive-differs`: it has other orders than MongoDB, or than the list of archived ranges says
 * - `archive-disk`: the folder can't be written
 * - `archive-busy`: another command archives or brings back
 * - `archive-refused`: nothing can be archived now
 * - `archive-interrupted`: the command was interrupted
 */
export type ArchiveErrorCode =
  | 'archive-missing'
  | 'archive-damaged'
  | 'archive-newer'
  | 'archive-differs'
  | 'archive-disk'
  | 'archive-busy'
  | 'archive-refused'
  | 'archive-interrupted';

/** Thrown by everything that works with archives. Its message says what to do. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';

  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
