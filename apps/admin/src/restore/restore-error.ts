export type RestoreErrorCode =
  | 'altered-file'
  | 'bad-manifest'
  | 'connected-services'
  | 'database-not-empty'
  | 'group-has-members'
  | 'incomplete-load'
  | 'missing-file'
  | 'newer-format'
  | 'no-manifest'
  | 'older-than-retention'
  | 'other-cluster'
  | 'other-restore'
  | 'other-topic'
  | 'still-written';

/** Thrown when a backup can't be restored. Unless it says otherwise, nothing was changed. */
export class RestoreError extends Error {
  override readonly name = 'RestoreError';

  constructor(
    readonly code: RestoreErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
