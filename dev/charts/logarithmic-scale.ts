/** A logarithmic axis that begins and ends at one of 1, 2, 5 times a power of ten. */
export interface LogarithmicScale {
  /** 1, 2, 5, 10, 20 … within the axis; only the powers of ten if that were more than 12 ticks. */
  readonly ticks: readonly number[];
  readonly start: number;
  readonly end: number;
  /** Returns the position of a value: 0 at the beginning and 1 at the end of the axis. Values outside are at the nearer end. */
  readonly at: (value: number) => number;
}

const ROUND = [1, 2, 5, 10];
const MOST_TICKS = 12;

/** @param lowest and @param highest above 0: the axis contains both. @throws RangeError */
export function logarithmicScale(lowest: number, highest: number): LogarithmicScale {
  if (!(lowest > 0 && highest >= lowest))
    throw new RangeError(`a logarithmic axis must go from above 0 to at least its start, got ${lowest} to ${highest}`);
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

/** Removes the rounding noise of binary fractions. */
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
