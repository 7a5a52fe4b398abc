import { figure } from './figures.js';

/**
 * Names an order of an operation by its number, or by its place when the number is unknown.
 * @param index the index in the operation, from 0
 * @param firstNumber the number of the operation's first order; `null`: unknown
 */
export function orderName(index: number, firstNumber: number | null): string {
  return firstNumber === null ? `record ${figure(index + 1)}` : `order number ${figure(firstNumber + index)}`;
}
