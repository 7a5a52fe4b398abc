import { createHash } from 'node:crypto';
import type { OffsetSpan } from '#orders/settled/settled-blocks.js';
import { splitStored, type SplitDocument } from './stored-content.js';

const POSITION_BYTES = 12;

/**
 * Computes the digest of a settled block: SHA-256 over its documents in the order of their indexes, the content of each (all fields but
 * `ingest`), its partition and its offset. The other fields of `ingest` differ when the same record is saved again after a restore.
 */
export class BlockDigest {
  private readonly hash = createHash('sha256');
  private readonly spans = new Map<number, { from: number; to: number }>();
  private readonly position = Buffer.alloc(POSITION_BYTES);
  private count = 0;

  /** The number of documents. */
  get documents(): number {
    return this.count;
  }

  /** Adds the raw document of the next index that has one. Returns its parts. */
  add(document: Buffer): SplitDocument | undefined {
    this.count += 1;
    const split = splitStored(document);
    // Not what this pipeline writes: all its bytes count.
    if (split === undefined) this.hash.update(document);
    else this.addSplit(split);
    return split;
  }

  /** The lowest and highest offset on each partition so far. */
  get positions(): OffsetSpan[] {
    return [...this.spans]
      .map(([partition, { from, to }]) => ({ partition, from, to }))
      .toSorted((a, b) => a.partition - b.partition);
  }

  /** Returns the digest. No document can be added afterwards. */
  end(): Buffer {
    return this.hash.digest();
  }

  private addSplit({ content, partition, offset }: SplitDocument): void {
    this.position.writeInt32BE(partition, 0);
    this.position.writeBigInt64BE(BigInt(offset), 4);
    this.hash.update(content).update(this.position);
    const span = this.spans.get(partition);
    if (span === undefined) this.spans.set(partition, { from: offset, to: offset });
    else {
      span.from = Math.min(span.from, offset);
      span.to = Math.max(span.to, offset);
    }
  }
}
