import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { TranslationReason } from '#legacy/translation/translation-reason.js';
import { formatMoney } from '#orders/order/money.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { LegacyRows } from '../verify/legacy-rows.js';

/** An order of the legacy system that has no exact translation. */
export interface UntranslatedOrder {
  readonly number: number | null;
  readonly id: string | null;
  readonly reason: TranslationReason;
}

/** The translated orders of an interval: the file of an import, and what could not be translated. */
export interface TranslatedRows {
  /** A JSON array of rows as `POST /v1/imports` takes them, with every field: the import fills in nothing. */
  readonly file: string;
  readonly translated: number;
  readonly untranslated: readonly UntranslatedOrder[];
}

/** Translates rows of the legacy system for an import. Nothing is rounded, guessed or filled in. */
export function translateRows(rows: LegacyRows, zone: LegacyTimeZone): TranslatedRows {
  const lines: string[] = [];
  const untranslated: UntranslatedOrder[] = [];
  for (const [index, row] of rows.strict().entries()) {
    const result = fromLegacy(row, zone);
    if ('order' in result) lines.push(importRow(result.order));
    else untranslated.push({ ...identify(rows.comparable[index]), reason: result.reason });
  }
  return { file: `[${lines.join(',\n')}]`, translated: lines.length, untranslated };
}

function importRow({ legacy, price, amount, createdAt, ...order }: LegacyOrder): string {
  return JSON.stringify({
    ...order,
    number: legacy.number,
    price: formatMoney(price),
    amount: formatMoney(amount),
    createdAt: createdAt.toISOString(),
  });
}

function identify(row: unknown): Pick<UntranslatedOrder, 'number' | 'id'> {
  const { number, id } = (typeof row === 'object' && row !== null ? row : {}) as { number?: unknown; id?: unknown };
  return { number: typeof number === 'number' ? number : null, id: typeof id === 'string' ? id.slice(0, 64) : null };
}
