import type { LegacyOrder } from '#orders/order/order.js';
import { parseStrictJson } from '../../json/strict-json.js';
import { LegacyTimeZone } from '../legacy-time-zone.js';

export const BERLIN = new LegacyTimeZone('Europe/Berlin');
export const ID = '01935c9e-8a00-4000-8000-00000000000a';

export const ORDER: LegacyOrder = {
  id: ID,
  accountId: 'acc-0000007',
  side: 'buy',
  symbol: 'ACME',
  quantity: 3,
  price: 1_873_500n,
  amount: 5_620_500n,
  currency: 'USD',
  createdAt: new Date('2026-01-31T11:00:00.250Z'),
  legacy: { number: 4_711, filled: [] },
};

const RECORD = {
  id: `"${ID}"`,
  number: '4711',
  accountId: '"acc-0000007"',
  side: '"buy"',
  symbol: '"ACME"',
  quantity: '3',
  price: '187.35',
  amount: '562.05',
  currency: '"USD"',
  createdAt: '"2026-01-31T12:00:00.250"',
};

/** Parses the record of `ORDER`, with raw JSON texts instead of some of its fields; without those that are `undefined`. */
export function parsed(change: Record<string, string | undefined> = {}): unknown {
  const fields = Object.entries({ ...RECORD, ...change }).filter(([, text]) => text !== undefined);
  const result = parseStrictJson(`{${fields.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join()}}`);
  if ('fault' in result) throw new Error(result.fault.detail);
  return result.value;
}
