/** A value at a place, such as a second. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Each point with the mean of those that lie half a width or less before and behind it. At the ends there are fewer.
 * @param points in the order of their x
 */
export function movingMean(points: readonly Point[], width: number): Point[] {
  let [first, next, sum] = [0, 0, 0];
  return points.map(({ x }) => {
    for (; next < points.length && (points[next]?.x ?? Infinity) <= x + width / 2; next += 1)
      sum += points[next]?.y ?? 0;
    for (; (points[first]?.x ?? Infinity) < x - width / 2; first += 1) sum -= points[first]?.y ?? 0;
    return { x, y: sum / (next - first) };
  });
}
