/** Positions in a record batch of format version 2: https://kafka.apache.org/documentation/#recordbatch. */
export const LENGTH_AT = 8;
/** The batch length counts the bytes after this position. */
export const LENGTH_END = 12;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
/** The checksum covers the bytes from here on. */
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const FIRST_SEQUENCE_AT = 53;
export const COUNT_AT = 57;
export const HEADER_BYTES = 61;
export const MAGIC = 2;
/** The bit of the attributes. */
export const TRANSACTIONAL = 0b1_0000;
