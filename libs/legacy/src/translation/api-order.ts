import type { IntakeOrderBody } from '#orders/order/intake-order.js';
import { OrderResponseSchema } from '#orders/order/order-response.js';
import { formatMoney, parseMoney, type Money } from '#orders/order/money.js';
import { orderViolation, type LegacyOrder, type Order } from '#orders/order/order.js';
import { FieldRefusal } from '../row/legacy-fields.js';
import { translate, type TranslationReason } from './translation-reason.js';

/** The body of `POST /v1/orders` for one order, with every field. */
export type WholeOrderBody = { readonly [Field in keyof IntakeOrderBody]-?: NonNullable<IntakeOrderBody[Field]> };

/** Converts an order of the legacy system to the body of `POST /v1/orders`. */
export function toOrderBody(order: LegacyOrder): WholeOrderBody {
  return {
    id: order.id,
    accountId: order.accountId,
    side: order.side,
    symbol: order.symbol,
    quantity: order.quantity,
    price: formatMoney(order.price),
    currency: order.currency,
    createdAt: order.createdAt.toISOString(),
    legacyNumber: order.legacy.number,
  };
}

const StrictResponse = OrderResponseSchema.strict();

/**
 * Reads an order from an answer of the query API. An answer that is no order of its model is a defect of the target.
 * @param value the parsed JSON
 */
export function fromResponse(value: unknown): { readonly order: Order } | { readonly reason: TranslationReason } {
  return translate(
    () => value,
    () => ({ order: readResponse(value) }),
  );
}

function readResponse(value: unknown): Order {
  const parsed = StrictResponse.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FieldRefusal('bad-value', issue?.path.join('.') || undefined, issue?.message ?? 'is no order');
  }
  const { price, amount, createdAt, legacy, ...plain } = parsed.data;
  const order = {
    ...plain,
    price: readMoney('price', price),
    amount: readMoney('amount', amount),
    createdAt: new Date(createdAt),
    ...(legacy && { legacy }),
  };
  const violation = orderViolation(order);
  if (violation !== undefined) throw new FieldRefusal('bad-value', violation.split(' ')[0], violation);
  return order;
}

function readMoney(name: string, text: string): Money {
  try {
    return parseMoney(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FieldRefusal('not-a-plain-decimal', name, error.message);
  }
}
