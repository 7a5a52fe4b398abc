import { plural } from '../text/figures.js';
import type { OrdersPage } from './order.js';

/** Says how many orders are shown, and whether more follow. Read by screen readers. */
export function countText(shown: number, { number, next, prev }: OrdersPage['page']): string {
  const orders = plural(shown, 'order');
  if (next === undefined && prev === undefined) return `${orders} found`;
  const page = number === undefined ? 'this page' : `page ${number}`;
  return `${orders} on ${page}, ${next === undefined ? 'the last one' : 'more follow'}`;
}
