import { systemClock, type Clock } from '#parallel-consumer/clock.js';

/** The system's time, whose timers don't keep a process that has nothing else to do. */
export const backgroundClock: Clock = {
  now: () => systemClock.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
