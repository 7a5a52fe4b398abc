export type BackupErrorCode =
  | 'disk-full'
  | 'empty-database'
  | 'folder-not-empty'
  | 'interrupted'
  | 'missing-topic'
  | 'snapshot-lost';

/** Thrown when a backup can't be taken. It has no manifest then, so that nothing takes its files for a backup. */
export class BackupError extends Error {
  override readonly name = 'BackupError';

  constructor(
    readonly code: BackupErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
