/** Returns the position of a value on a logarithmic axis, 0 to 1. On a linear axis half a second beside ten minutes would be invisible. */
export function logarithmicShare(value: number, least: number, most: number): number {
  if (value <= least || most <= least) return 0;
  return Math.min(1, Math.log(value / least) / Math.log(most / least));
}
