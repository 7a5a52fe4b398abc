import type { WrittenOrder } from '../clients/written-orders.js';
import type { NewSideOrder } from './new-side-orders.js';
import type { StoredSide } from './stored-order.js';

/**
 * Judges the order of an account's writes on the side of the files, which store no order: of two states, one after another, the later one
 * must have all acknowledged writes before any write that the earlier one has. Orders are never removed, so a write that is missing in the
 * later state was missing when its successor was stored.
 * @returns what is wrong, one line each
 */
export function gapsBetween(
  earlier: StoredSide,
  later: StoredSide,
  writesOf: (accountId: string) => readonly WrittenOrder[],
): string[] {
  const highest = new Map<string, number>();
  for (const { accountId, quantity } of earlier)
    highest.set(accountId, Math.max(highest.get(accountId) ?? 0, quantity));
  const there = new Set(later.map(({ accountId, quantity }) => `${accountId} ${quantity}`));
  return [...highest].flatMap(([accountId, last]) =>
    writesOf(accountId)
      .filter(({ serial, acked }) => serial < last && acked !== undefined && !there.has(`${accountId} ${serial}`))
      .map(({ serial }) => `legacy: ${accountId} has its write ${last}, but not yet its acknowledged write ${serial}`),
  );
}

/**
 * Judges the order of each account's writes on the topic, in which they are saved. Only orders that the facade sent: a backfill copies
 * older ones later. Writes without an outcome may come at any time.
 * @returns what is wrong, one line each
 */
export function outOfOrderOnTopic(orders: readonly NewSideOrder[], written: readonly WrittenOrder[]): string[] {
  const acked = new Set(
    written.flatMap(({ accountId, serial, acked: ack }) => (ack ? [`${accountId} ${serial}`] : [])),
  );
  const known = orders.filter(({ isSent, accountId, quantity }) => isSent && acked.has(`${accountId} ${quantity}`));
  const byAccount = Map.groupBy(known, ({ accountId }) => accountId);
  return [...byAccount].flatMap(([accountId, own]) => {
    const onTopic = own.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);
    const partitions = new Set(onTopic.map(({ partition }) => partition));
    if (partitions.size > 1) return [`new: the writes of ${accountId} are on ${partitions.size} partitions`];
    return onTopic.slice(1).flatMap(({ quantity }, at) => {
      const before = onTopic[at]?.quantity ?? 0;
      return before > quantity ? [`new: ${accountId} has its write ${quantity} after its write ${before}`] : [];
    });
  });
}
