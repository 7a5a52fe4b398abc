import { ATTEMPT_DEFAULTS, type AttemptOptions, type AttemptSettings } from './attempts/attempt-options.js';
import { COMMIT_DEFAULTS, type CommitOptions, type CommitSettings } from './commits/commit-options.js';
import { RUNTIME_DEFAULTS, type RuntimeOptions, type RuntimeSettings } from './events/runtime-options.js';
import { LOG_DEFAULTS, type LogOptions, type LogSettings } from './intake/log-options.js';
import {
  requirePositiveIntegers,
  WINDOW_DEFAULTS,
  type WindowOptions,
  type WindowSettings,
} from './window/window-options.js';

/** All options of the consumer. Each part has its options, with their defaults, in its own folder. */
export interface ParallelConsumerOptions
  extends AttemptOptions, WindowOptions, CommitOptions, LogOptions, RuntimeOptions {
  /**
   * How long a rebalance or a stop waits for running work, in ms. Default 5,000. Keep it at least 4 s below the rebalance
   * timeout, which is twice the session timeout (by default 20 s): the member notices a rebalance after up to 1 s, and the
   * commit that follows takes up to 3 s. The coordinator removes a member that takes longer. Work that takes longer than
   * `drainTimeoutMs` is handed over: the partition's next owner repeats it.
   */
  readonly drainTimeoutMs?: number;
}

/** The options with all defaults applied. */
export type ParallelConsumerSettings = AttemptSettings &
  WindowSettings &
  CommitSettings &
  LogSettings &
  RuntimeSettings & { readonly drainTimeoutMs: number };

/** Options of version 0.1.0, with their present names. */
const RENAMED = {
  maxTaken: 'maxBuffered',
  maxSpan: 'maxUncommittedOffsets',
  holderWarnMs: 'stalledRecordWarnMs',
  holderDeadLetterMs: 'stalledRecordDeadLetterMs',
  commitFinishedMap: 'commitCompletedOffsets',
};

/**
 * Applies the defaults and validates the bounds.
 * @throws RangeError for an invalid bound, TypeError for a missing dead-letter topic or a renamed option
 */
export function resolveOptions(options: ParallelConsumerOptions): ParallelConsumerSettings {
  for (const [before, now] of Object.entries(RENAMED))
    if (before in options) throw new TypeError(`${before} was renamed: set ${now} instead`);
  const { inFlight = WINDOW_DEFAULTS.inFlight, maxInFlight = WINDOW_DEFAULTS.maxInFlight, maxBuffered } = options;
  requirePositiveIntegers({ inFlight: inFlight === 'auto' ? 1 : inFlight, maxInFlight, maxBuffered: maxBuffered ?? 1 });
  const { poisonShare = ATTEMPT_DEFAULTS.poisonShare } = options;
  if (!(poisonShare >= 0 && poisonShare <= 1))
    throw new RangeError(`poisonShare must be from 0 to 1, got ${poisonShare}`);
  if (options.deadLetterTopic === undefined && options.onDeadLetter !== 'stop')
    throw new TypeError("deadLetterTopic is missing: set it to a topic name, or set onDeadLetter to 'stop'");
  return {
    ...ATTEMPT_DEFAULTS,
    ...WINDOW_DEFAULTS,
    ...COMMIT_DEFAULTS,
    ...LOG_DEFAULTS,
    ...RUNTIME_DEFAULTS,
    drainTimeoutMs: 5_000,
    ...options,
    inFlight,
    maxInFlight,
  };
}
