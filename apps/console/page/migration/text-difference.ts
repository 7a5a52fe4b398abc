/** Two texts, split into what they begin with, where they differ, and what they end with. */
export interface TextDifference {
  readonly start: string;
  readonly legacy: string;
  readonly new: string;
  readonly end: string;
}

/** Finds the part in which two texts differ: the shortest one that a common start and a common end leave. */
export function differenceOf(legacy: string, other: string): TextDifference {
  const shorter = Math.min(legacy.length, other.length);
  let start = 0;
  while (start < shorter && legacy[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && legacy.at(-1 - end) === other.at(-1 - end)) end += 1;
  return {
    start: legacy.slice(0, start),
    legacy: legacy.slice(start, legacy.length - end),
    new: other.slice(start, other.length - end),
    end: legacy.slice(legacy.length - end),
  };
}
