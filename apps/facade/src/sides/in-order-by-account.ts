import type { LegacyOrder } from '#orders/order/order.js';
import type { WriteOutcome } from './side.js';

const NOT_SENT: WriteOutcome = {
  result: 'unknown',
  message: 'not sent, because the outcome of an earlier order of the account is unknown',
};

/**
 * Writes orders one at a time per account, in their order, and several accounts at once. An account ends at its first unknown outcome:
 * its later orders must not be stored before that one.
 * @returns the outcome of each order, in the order of `orders`
 */
export async function inOrderByAccount(
  orders: readonly LegacyOrder[],
  concurrentAccounts: number,
  write: (order: LegacyOrder) => Promise<WriteOutcome>,
): Promise<readonly WriteOutcome[]> {
  const outcomes = orders.map(() => NOT_SENT);
  const accounts = [...Map.groupBy(orders.keys(), (at) => orders[at]?.accountId).values()];
  const writeAccounts = async (): Promise<void> => {
    for (let places = accounts.shift(); places !== undefined; places = accounts.shift()) {
      for (const at of places) {
        const outcome = await write(orders[at] as LegacyOrder);
        outcomes[at] = outcome;
        if (outcome.result === 'unknown') break;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrentAccounts, accounts.length) }, writeAccounts));
  return outcomes;
}
