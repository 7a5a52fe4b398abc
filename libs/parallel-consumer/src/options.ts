import { ATTEMPT_DEFAULTS, type AttemptOptions, type AttemptSettings } from './attempts/attempt-options.js';
import { COMMIT_DEFAULTS, type CommitOptions, type CommitSettings } from './commits/commit-options.js';
import { RUNTIME_DEFAULTS, type RuntimeOptions, type RuntimeSettings } from './events/runtime-options.js';
import { LOG_DEFAULTS, type LogOptions, type LogSettings } from './buffering/log-options.js';
import { checkOptions, withPresentNames } from './checks/check-options.js';
import { isObject } from './checks/value-checks.js';
import { OPTION_CHECKS, REQUIRED_OPTIONS } from './option-checks.js';
import { handlerOfTopics } from './attempts/topic-handlers.js';
import { WINDOW_DEFAULTS, type WindowOptions, type WindowSettings } from './window/window-options.js';

/** All options of the consumer. */
export interface ParallelConsumerOptions
  extends AttemptOptions, WindowOptions, CommitOptions, LogOptions, RuntimeOptions {
  /**
   * How long a rebalance or a stop waits for running work, in ms. Default 5,000. At least 4,000 below the broker's rebalance timeout (by
   * default 20,000), after which the group expels a member: it notices a rebalance after up to 1 s, and the commit that follows takes up to
   * 3 s. Work that takes longer than `drainTimeoutMs` is handed over: the partition's next owner repeats it.
   */
  readonly drainTimeoutMs?: number;
}

/** The options with all defaults applied. */
export type ParallelConsumerSettings = AttemptSettings &
  WindowSettings &
  CommitSettings &
  LogSettings &
  RuntimeSettings & { readonly drainTimeoutMs: number };

/** What a rebalance takes besides the drain: a heartbeat that reports it, and the commit. */
const REBALANCE_OVERHEAD_MS = 4_000;

/** Options of version 0.1.0, with their present names. They still work, with a warning once per process. */
const RENAMED = {
  maxTaken: 'maxBuffered',
  maxSpan: 'maxUncommittedOffsets',
  holderWarnMs: 'stalledRecordWarnMs',
  holderDeadLetterMs: 'stalledRecordDeadLetterMs',
  commitFinishedMap: 'commitCompletedOffsets',
};

/**
 * Checks the options and applies the defaults. An option that is `undefined` counts as not given.
 * @param sources the topics that are read
 * @param rebalanceTimeoutMs of the broker. Default: without limit
 * @throws RangeError for a number out of bounds, TypeError for any other wrong, missing or unknown option, and for one that is given under its old
 * and its present name
 */
export function resolveOptions(
  all: ParallelConsumerOptions,
  sources: readonly string[],
  rebalanceTimeoutMs = Number.POSITIVE_INFINITY,
): ParallelConsumerSettings {
  const given = isObject(all) ? withPresentNames(all, RENAMED, (...names) => warnOnce(all, ...names)) : all;
  checkOptions(given, { checks: OPTION_CHECKS, required: REQUIRED_OPTIONS });
  const options = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as ParallelConsumerOptions;
  if (options.deadLetterTopic === undefined && options.onDeadLetter !== 'stop')
    throw new TypeError("deadLetterTopic is missing: set it to a topic name, or set onDeadLetter to 'stop'");
  if (options.deadLetterTopic !== undefined && sources.includes(options.deadLetterTopic))
    throw new TypeError(
      `deadLetterTopic must differ from the source topic ${options.deadLetterTopic}: the consumer would read its own dead letters`,
    );
  const { drainTimeoutMs = 5_000 } = options;
  if (drainTimeoutMs + REBALANCE_OVERHEAD_MS > rebalanceTimeoutMs)
    throw new RangeError(
      `drainTimeoutMs must be at least ${REBALANCE_OVERHEAD_MS} ms below the rebalance timeout of the broker, ${rebalanceTimeoutMs} ms, ` +
        `got ${drainTimeoutMs}: set rebalanceTimeoutMs of the broker to at least ${drainTimeoutMs + REBALANCE_OVERHEAD_MS}`,
    );
  return {
    ...ATTEMPT_DEFAULTS,
    ...WINDOW_DEFAULTS,
    ...COMMIT_DEFAULTS,
    ...LOG_DEFAULTS,
    ...RUNTIME_DEFAULTS,
    ...options,
    drainTimeoutMs,
    handler: handlerOfTopics(options.handler, sources),
  };
}

const warned = new Set<string>();

function warnOnce({ logger }: ParallelConsumerOptions, old: string, present: string): void {
  if (warned.has(old)) return;
  warned.add(old);
  // The logger is checked later, with the other options.
  if (isObject(logger) && typeof logger.warn === 'function')
    logger.warn({ option: old, renamedTo: present }, 'option has an old name, which a later version will refuse');
}
