/** A logarithmic axis that begins and ends at one of 1, 2, 5 times a power of ten. */
export interface LogarithmicScale {
  /** 1, 2, 5, 10, 20 … within it; of more than a dozen only the powers of ten. */
  readonly ticks: readonly number[];
  readonly start: number;
  readonly end: number;
  /** Where a value stands, 0 for the beginning and 1 for the end of the axis; what lies outside stands at the nearer one. */
  readonly at: (value: number) => number;
}

const ROUND = [1, 2, 5, 10];
const MOST_TICKS = 12;

/** @param lowest and @param highest above 0: the axis has room for both. @throws RangeError */
export function logarithmicScale(lowest: number, highest: number): LogarithmicScale {
  if (!(lowest > 0 && highest >= lowest)) throw new RangeError(`no logarithmic axis goes from ${lowest} to ${highest}`);
  const start = roundBelow(lowest);
  const end = Math.max(roundAbove(highest), roundAbove(start * 2));
  const span = Math.log10(end / start);
  const all = roundNumbers(start, end);
  const ticks = all.length > MOST_TICKS ? all.filter((tick) => Number.isInteger(round(Math.log10(tick)))) : all;
  return { ticks, start, end, at: (value) => Math.min(1, Math.max(0, Math.log10(value / start) / span)) };
}

function roundNumbers(start: number, end: number): number[] {
  const numbers = [start];
  for (let next = start; next < end; numbers.push(next)) next = roundAbove(next * 1.01);
  return numbers;
}

/** Without what a sum of binary fractions leaves. */
function round(value: number): number {
  return Number(value.toFixed(9));
}

function roundBelow(value: number): number {
  const magnitude = Math.floor(Math.log10(value) + 1e-9);
  const factor = ROUND.findLast((step) => step <= (value / 10 ** magnitude) * (1 + 1e-9)) ?? 1;
  return Number(`${factor}e${magnitude}`);
}

function roundAbove(value: number): number {
  const magnitude = Math.floor(Math.log10(value) + 1e-9);
  const factor = ROUND.find((step) => step >= (value / 10 ** magnitude) * (1 - 1e-9)) ?? 10;
  return Number(`${factor}e${magnitude}`);
}
