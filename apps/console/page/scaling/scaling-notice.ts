import { isAlive } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { plural } from '../text/figures.js';

export type InFlightLimit = number | 'auto' | null;

/** What this page has requested last. */
export type ScalingRequest =
  | { readonly kind: 'consumers'; readonly count: number; readonly at: number }
  | { readonly kind: 'limit'; readonly limit: InFlightLimit; readonly at: number };

/** How long the result of a request is shown. */
const SHOWN_SECONDS = 15;
/** The console reads the state once a second, and consumers poll their limit once a second. */
const LATENCY_SECONDS = 3;
const LATE_SECONDS = 60;

/**
 * Returns what is being changed, or has just been changed. It follows the state of the pipeline, so it never announces what has already happened.
 * @param request `null`: this page has requested nothing; another one may have
 * @param now seconds since 1970, as `request.at`
 */
export function scalingNotice(latest: PipelineResponse, request: ScalingRequest | null, now: number): string | null {
  if (latest.scaling !== null) return pendingText(latest, latest.scaling, request);
  if (request === null || now - request.at > SHOWN_SECONDS) return null;
  return request.kind === 'consumers' ? consumersText(latest, request, now) : limitText(latest, request.limit);
}

/** The number of consumers that send heartbeats, also those that start or drain; `null`: unknown. */
export function presentConsumers({ consumers }: PipelineResponse): number | null {
  return consumers?.filter((each) => isAlive(each)).length ?? null;
}

/** The number of consumers that have started and send heartbeats; `null`: unknown. */
export function runningConsumers({ consumers }: PipelineResponse): number | null {
  return (
    consumers?.filter((each) => isAlive(each) && each.state !== 'starting' && each.state !== 'late').length ?? null
  );
}

function pendingText(
  latest: PipelineResponse,
  { count, secondsAgo }: NonNullable<PipelineResponse['scaling']>,
  request: ScalingRequest | null,
): string {
  const running = runningConsumers(latest);
  const isOther = request?.kind === 'consumers' && request.count !== count;
  const who = isOther ? `Another user has requested ${count} after your ${request.count}. ` : '';
  const late = secondsAgo > LATE_SECONDS ? ` after ${LATE_SECONDS} s; see the log of npm start` : '';
  return `${who}Scaling to ${plural(count, 'consumer')}: ${running ?? 'an unknown number'} running${late}.`;
}

function consumersText(
  latest: PipelineResponse,
  { count, at }: { readonly count: number; readonly at: number },
  now: number,
): string {
  const running = runningConsumers(latest);
  const died = deadConsumers(latest);
  if (died.length > 0)
    return `${plural(count, 'consumer')} requested: ${died.join(' and ')} died, and ${died.length === 1 ? 'is' : 'are'} being replaced.`;
  if (running === count) return `${plural(count, 'consumer')} running, as requested.`;
  if (presentConsumers(latest) === count) return `${running} of ${plural(count, 'consumer')} running.`;
  return now - at <= LATENCY_SECONDS
    ? `Scaling to ${plural(count, 'consumer')}.`
    : `Another user has changed the number: ${running ?? 'an unknown number'} running, you requested ${count}.`;
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
