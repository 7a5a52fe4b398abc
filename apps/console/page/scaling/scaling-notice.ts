import { isAlive } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { plural } from '../text/figures.js';
import { isAhead, isOvertaken, type OwnScaling } from './own-scalings.js';

export type InFlightLimit = number | 'auto' | null;

/** An in-flight limit that this page has requested. */
export interface LimitRequest {
  readonly limit: InFlightLimit;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What this page has requested last. */
export interface OwnRequests {
  readonly scaling: OwnScaling | null;
  /** `null`: none after the scaling. */
  readonly limit: LimitRequest | null;
}

/** How long the result of a request is shown. */
const SHOWN_SECONDS = 15;
const LATE_SECONDS = 60;

/**
 * Returns what is being changed, or has just been changed. It follows the state of the pipeline, so it never announces what has already happened.
 * @param now seconds since 1970, as those of the requests
 */
export function scalingNotice(latest: PipelineResponse, { scaling, limit }: OwnRequests, now: number): string | null {
  if (scaling !== null && isAhead(scaling, latest)) return `Scaling to ${plural(scaling.count, 'consumer')}.`;
  if (latest.scaling !== null) return pendingText(latest, latest.scaling, scaling);
  const request = limit ?? scaling;
  if (request === null || now - request.at > SHOWN_SECONDS) return null;
  return 'count' in request ? consumersText(latest, request) : limitText(latest, request.limit);
}

/**
 * The number of consumers that have started and are not known to have died; `null`: unknown. One whose heartbeat is late counts: under load
 * heartbeats are late often, and a number that fell each time would look like a crash.
 */
export function runningConsumers({ consumers }: PipelineResponse): number | null {
  return consumers?.filter((each) => isAlive(each) && each.state !== 'starting').length ?? null;
}

function pendingText(
  latest: PipelineResponse,
  { count, secondsAgo }: NonNullable<PipelineResponse['scaling']>,
  own: OwnScaling | null,
): string {
  const running = runningConsumers(latest) ?? 'an unknown number';
  const late = secondsAgo > LATE_SECONDS ? ` after ${LATE_SECONDS} s; see the log of npm start` : '';
  return `${otherText(latest, count, own)}Scaling to ${plural(count, 'consumer')}: ${running} running${late}.`;
}

function consumersText(latest: PipelineResponse, own: OwnScaling): string {
  const running = runningConsumers(latest) ?? 'an unknown number';
  const { configuredConsumers: configured } = latest;
  if (configured !== null && configured !== own.count)
    return `${otherText(latest, configured, own) || 'The number has changed since your request. '}${running} of ${plural(configured, 'consumer')} running.`;
  const died = deadConsumers(latest);
  if (died.length > 0)
    return `${plural(own.count, 'consumer')} requested: ${died.join(' and ')} died, and ${died.length === 1 ? 'is' : 'are'} being replaced.`;
  const isLate = latest.consumers?.some(({ state }) => state === 'late') ?? false;
  if (running === own.count && !isLate) return `${plural(own.count, 'consumer')} running, as requested.`;
  return `${running} of ${plural(own.count, 'consumer')} running.`;
}

/** Says that another user has requested another number after this page; otherwise empty. */
function otherText(latest: PipelineResponse, count: number, own: OwnScaling | null): string {
  if (own === null || own.count === count || !isOvertaken(own, latest)) return '';
  return `Another user has requested ${count} after your ${own.count}. `;
}

/** Names of the consumers that died, until others have all of their partitions. */
function deadConsumers({ changes }: PipelineResponse): string[] {
  const names = changes.flatMap(({ crash }) => (crash?.reassignedAfterSeconds === null ? [crash.consumer] : []));
  return [...new Set(names)];
}

function limitText({ consumers }: PipelineResponse, limit: InFlightLimit): string {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  if (limit === null) return 'Each consumer uses the limit that it was started with.';
  const applied = alive.filter(({ inFlightSet }) => inFlightSet === limit).length;
  const name = limit === 'auto' ? 'Auto limit' : `Limit ${limit.toLocaleString('en')}`;
  return applied === alive.length
    ? `${name} in effect in each consumer.`
    : `${name}: in effect in ${applied} of ${plural(alive.length, 'consumer')}.`;
}
