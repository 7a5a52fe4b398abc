import { orderGenerator } from '#orders/generator/generator.js';
import { javaCompatiblePartitioner, DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { saveDelayMs, saveDrawsOf, type SaveBounds } from '#orders/consumer/simulated-save.js';

/** The default of a populate. With this many accounts, nearly every order is the only one of its account. */
export const ACCOUNTS = 100_000;

/** The properties of an order that are known before it is sent. */
export interface PlannedOrder {
  readonly accountId: string;
  readonly partition: number;
  /** How long its save waits, in milliseconds. */
  readonly waitMs: number;
}

/** Returns the orders of a populate with this seed, by index, and the waits of consumers with the same `SAVE_DELAY_SEED`. */
export function planOrders(count: number, seed: number, saveMs: SaveBounds): PlannedOrder[] {
  // Neither the operation nor the dates influence the accounts.
  const operation = { operationId: '', firstNumber: 1, from: new Date(0), to: new Date(0) };
  const orderAt = orderGenerator({ ...operation, seed, count, accounts: ACCOUNTS });
  const partitionOf = javaCompatiblePartitioner(DEFAULT_PARTITIONS);
  const drawOf = saveDrawsOf(seed);
  return Array.from({ length: count }, (_, index) => {
    const { accountId } = orderAt(index);
    return { accountId, partition: partitionOf(accountId), waitMs: saveDelayMs(saveMs, drawOf(index)) };
  });
}
