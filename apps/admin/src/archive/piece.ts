import type { NumberRun } from '#orders/archive/archived-ranges.js';
import type { OrdersDocument } from '#orders/operation/operation.js';
import { unpackRuns } from '#orders/numbering/number-runs.js';
import { digestOf, type SettledBlock } from '#orders/settled/settled-blocks.js';

/** The orders of one settled block, which become one archive. */
export interface Piece {
  readonly operationId: string;
  readonly kind: OrdersDocument['kind'];
  /** The index of the first order. */
  readonly from: number;
  /** Their numbers, in the order of their indexes. */
  readonly runs: readonly NumberRun[];
  /** The lowest and the highest number. */
  readonly ends: NumberRun;
  /** Numbers without an order, because their dead letters were discarded. */
  readonly discarded: number;
  /** Numbers whose order was saved before, under another number. */
  readonly elsewhere: number;
  /** The digest of the settled block. */
  readonly digest: Buffer;
  readonly verifiedAt: Date;
}

export function pieceOf({ kind }: Pick<OrdersDocument, 'kind'>, block: SettledBlock): Piece {
  const { _id, first, last, discarded, skipped, verifiedAt } = block;
  const runs = unpackRuns(block.runs);
  return {
    operationId: _id.operationId,
    kind,
    from: runs[0]?.from ?? _id.from,
    runs: runs.map((run) => ({ first: run.first, last: run.first + run.count - 1 })),
    ends: { first, last },
    discarded,
    elsewhere: skipped,
    digest: digestOf(block),
    verifiedAt,
  };
}
