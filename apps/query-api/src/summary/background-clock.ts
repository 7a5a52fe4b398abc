import { systemClock, type Clock } from '@orders-pipeline/clock';

/** The system clock with unreferenced timers, which do not keep the process alive. */
export const backgroundClock: Clock = {
  now: () => systemClock.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
