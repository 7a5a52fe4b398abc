import { formatMoney } from '#orders/money.js';
import type { Bound, Question, SortValue } from './question.js';
import { defaultSort } from './served-questions.js';

/**
 * The path that asks a question, in one spelling for all ways to put it, and ending so that paging can follow: `/v1/orders?`, or
 * `/v1/orders?accountId=acc-1&sort=-createdAt&`. Page tokens are bound to it.
 */
export function questionPath(question: Question): string {
  const { equality, range, sort } = question;
  const parameters: [string, string][] = [];
  if (equality !== undefined) parameters.push([equality.field, String(equality.value)]);
  if (range.from !== undefined) parameters.push(boundParameter(question, range.from, ['gte', 'gt']));
  if (range.to !== undefined) parameters.push(boundParameter(question, range.to, ['lte', 'lt']));
  if (sort.descending || sort.field !== defaultSort(equality?.field ?? null))
    parameters.push(['sort', `${sort.descending ? '-' : ''}${sort.field}`]);
  return `/v1/orders?${parameters.map(([name, value]) => `${encode(name)}=${encode(value)}&`).join('')}`;
}

function boundParameter({ sort }: Question, { value, inclusive }: Bound, names: [string, string]): [string, string] {
  return [`${sort.field}[${inclusive ? names[0] : names[1]}]`, valueText(value)];
}

function valueText(value: SortValue): string {
  if (typeof value === 'bigint') return formatMoney(value);
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Brackets stay as they are: every server reads them, and people do. */
function encode(part: string): string {
  return encodeURIComponent(part).replaceAll('%5B', '[').replaceAll('%5D', ']');
}
