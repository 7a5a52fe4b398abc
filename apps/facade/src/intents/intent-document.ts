import { formatMoney, parseMoney } from '#orders/order/money.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { Intent } from './intent.js';

/** An intent in its bucket's document. `id` and `number` are indexed; money is text, which keeps it exact. */
export type IntentDocument = Omit<Intent, 'order'> & {
  readonly id: string;
  readonly number: number;
  readonly order: Omit<LegacyOrder, 'id' | 'price' | 'amount' | 'legacy'> & {
    readonly price: string;
    readonly amount: string;
  };
};

export function toIntentDocument({ order, ...intent }: Intent): IntentDocument {
  const { id, legacy, price, amount, ...content } = order;
  const stored = { ...content, price: formatMoney(price), amount: formatMoney(amount) };
  return { id, number: legacy.number, ...intent, order: stored };
}

export function fromIntentDocument({ id, number, order, ...intent }: IntentDocument): Intent {
  const { price, amount, ...content } = order;
  const money = { price: parseMoney(price), amount: parseMoney(amount) };
  return { ...intent, order: { id, ...content, ...money, legacy: { number, filled: [] } } };
}
