/** Kafka refuses these records for good: sending them again is no use. */
export class RecordsRefusedError extends Error {
  override readonly name = 'RecordsRefusedError';

  constructor(
    /** The name that Kafka's protocol gives the error, such as `MESSAGE_TOO_LARGE`. */
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(`Kafka refuses the records: ${code}`, options);
  }
}
