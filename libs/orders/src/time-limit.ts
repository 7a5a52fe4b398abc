/**
 * How many times longer each limit is. Only tests set it, for the processes that they start: on a machine that is busy with something else, a
 * limit must not end what the test is about. It is no setting of a service.
 */
const SCALE = Number(process.env['TEST_TIME_LIMIT_SCALE'] ?? 1);

/** Returns a time-out, a lease or another time after which something counts as late or lost, in ms. Intervals of polling don't scale. */
export function timeLimit(milliseconds: number): number {
  return milliseconds * SCALE;
}
