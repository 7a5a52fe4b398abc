import { validate as isUuid } from 'uuid';
import { z } from 'zod';
import { MAX_PRICE, parseMoney, type Money } from './money.js';
import { MAX_QUANTITY, SIDES, type Order } from './order.js';
import * as rules from './order-fields.js';

const QUANTITY_RULE = `must be an integer from 1 to ${MAX_QUANTITY.toLocaleString('en-US')}`;
const LEGACY_NUMBER_RULE = 'must be an integer from 0 to 2^53 - 1';
const PRICE_RULE = 'must be a decimal string such as "12.50": above zero, a point, at most 4 decimals, no exponent';

function plainText(longest: number) {
  const rule = rules.textRule(longest);
  // The limits of JSON Schema count characters, those of the rule UTF-16 code units: the refinement decides.
  return z
    .string(rule)
    .refine((text) => rules.isPlainText(text, longest), rule)
    .meta({ minLength: 1, maxLength: longest });
}

/** One issue for each bad number: the integers and limits of zod would report some of them twice. */
function integer(minimum: number, maximum: number, rule: string) {
  return z
    .number(rule)
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, rule)
    .meta({ type: 'integer', minimum, maximum });
}

/**
 * An order as `POST /v1/orders` takes it. The amount is computed. Numbers are JSON numbers, money is a decimal string: a float
 * would round it.
 */
export const IntakeOrderSchema = z
  .strictObject({
    id: z
      .string(rules.UUID_RULE)
      .refine(isUuid, rules.UUID_RULE)
      .toLowerCase()
      .optional()
      .describe('Default: derived from the Idempotency-Key, or random without one.')
      .meta({ format: 'uuid' }),
    accountId: plainText(rules.MAX_ACCOUNT_ID_LENGTH),
    side: z.enum(SIDES),
    symbol: plainText(rules.MAX_SYMBOL_LENGTH),
    quantity: integer(1, MAX_QUANTITY, QUANTITY_RULE),
    price: z
      .string(PRICE_RULE)
      .transform((text, context) => readPrice(text, (message) => context.addIssue({ code: 'custom', message })))
      .describe('A decimal string of at most 14 digits and 4 decimals, above zero. A JSON number is rejected.')
      .meta({ type: 'string' }),
    currency: z.string(rules.CURRENCY_RULE).refine(rules.isCurrencyCode, rules.CURRENCY_RULE),
    createdAt: z
      .string(rules.TIME_RULE)
      .transform((text, context) => {
        const instant = rules.parseExactTime(text);
        if (instant !== undefined) return instant;
        context.addIssue({ code: 'custom', message: rules.TIME_RULE });
        return z.NEVER;
      })
      .optional()
      .describe('A date and time with a zone, at most with milliseconds. Default: when the producer takes the order.')
      .meta({ type: 'string', format: 'date-time' }),
    legacyNumber: integer(0, Number.MAX_SAFE_INTEGER, LEGACY_NUMBER_RULE)
      .optional()
      .describe('The number of the order in the legacy system; stored as `legacy.number`.'),
  })
  .meta({
    title: 'IntakeOrder',
    examples: [
      {
        accountId: 'acc-0004711',
        side: 'buy',
        symbol: 'ACME',
        quantity: 100,
        price: '187.35',
        currency: 'USD',
      },
    ],
  });

/** The JSON of an order that is sent to the intake. */
export type IntakeOrderBody = z.input<typeof IntakeOrderSchema>;
/** A valid order of the intake. What is missing, the producer assigns. */
export type IntakeOrder = z.output<typeof IntakeOrderSchema>;

function readPrice(text: string, refuse: (message: string) => void): Money {
  if (!/^-?\d{1,19}(\.\d{1,4})?$/.test(text)) refuse(PRICE_RULE);
  else {
    const money = parseMoney(text);
    if (money > 0n && money <= MAX_PRICE) return money;
    refuse(money > 0n ? rules.PRICE_RANGE_RULE : PRICE_RULE);
  }
  return z.NEVER;
}

/** Returns the order, with its computed amount and what the producer assigns. `createdAt` is only used if the order has none. */
export function completeOrder(
  intake: IntakeOrder,
  assigned: { readonly id: string; readonly number: number; readonly createdAt: Date },
): Order {
  const { quantity, price, legacyNumber } = intake;
  const order = {
    id: assigned.id,
    number: assigned.number,
    accountId: intake.accountId,
    side: intake.side,
    symbol: intake.symbol,
    quantity,
    price,
    amount: BigInt(quantity) * price,
    currency: intake.currency,
    createdAt: intake.createdAt ?? assigned.createdAt,
  };
  return legacyNumber === undefined ? order : { ...order, legacy: { number: legacyNumber, filled: [] } };
}
