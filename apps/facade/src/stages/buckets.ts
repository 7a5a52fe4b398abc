import { hash } from 'node:crypto';

/** Number of buckets. Keys hash into the same buckets for all capabilities. */
export const BUCKETS = 1_024;

/** Returns the bucket of a key, from 0 to 1,023: of an account for writes, of what is asked for (`readKey`) for reads. */
export function bucketOf(key: string): number {
  // SHA-256 costs about a microsecond for a short key, and spreads keys that differ in one digit.
  return hash('sha256', key, 'buffer').readUInt32BE() % BUCKETS;
}

/** Returns whether a percentage includes a bucket. It takes the lowest buckets, so that a higher one only adds keys. */
export function isWithin(bucket: number, percent: number): boolean {
  return bucket < (percent * BUCKETS) / 100;
}
