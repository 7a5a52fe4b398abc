/** A value `y` at a position `x`, such as a second. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Replaces each y by the mean of the points at most half a width before or after it. At the ends there are fewer points.
 * @param points in ascending order of x
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
