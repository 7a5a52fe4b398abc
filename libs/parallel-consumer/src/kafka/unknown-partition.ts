/** Records are for a partition that their topic does not have, also after some time: the caller computed it wrongly. */
export class UnknownPartitionError extends Error {
  override readonly name = 'UnknownPartitionError';
  readonly code = 'unknown-partition';
}
