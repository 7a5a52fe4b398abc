import { createSegments, type Segment } from '../operation/operation.js';

/** Returns the segments of this number of orders, each acknowledged up to one of these indexes; default: nothing of it. */
export function ackedSegments(count: number, ...ackedTo: readonly number[]): Segment[] {
  return createSegments(count).map((segment, at) => {
    const to = ackedTo[at] ?? segment.from;
    const generatedTo = Math.min(segment.to, to + 1);
    return Object.assign(segment, { ackedTo: to, generatedTo, isDone: to === segment.to });
  });
}
