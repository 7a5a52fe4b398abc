import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { isAlive } from '../../src/pipeline/consumer-state.js';
import { plural } from '../figures.js';

/** A number of consumers that this page has requested. */
export interface OwnScaling {
  readonly count: number;
  /** Seconds since 1970. */
  readonly at: number;
  /** The number that the console gave to this request; `null`: it has not answered yet. */
  readonly request: number | null;
}

/**
 * Keeps the scalings that this page has requested, so that it knows its own among those that the console reports. The console numbers the
 * requests of all its clients, and each state has the number of the last one. So their order is known, however late states and answers
 * arrive.
 */
export class OwnScalings {
  private unanswered: readonly OwnScaling[] = [];
  private newest: OwnScaling | null = null;

  /** The last request; `null`: none. */
  get last(): OwnScaling | null {
    return this.unanswered.at(-1) ?? this.newest;
  }

  /** Call it before the request is sent: the console may report the request earlier than it answers. */
  send(count: number, at: number): OwnScaling {
    const sent = { count, at, request: null };
    this.unanswered = [...this.unanswered, sent];
    return sent;
  }

  answered(sent: OwnScaling, request: number): void {
    if (!this.unanswered.includes(sent)) return;
    this.unanswered = this.unanswered.filter((each) => each !== sent);
    if (request > (this.newest?.request ?? 0)) this.newest = { ...sent, request };
  }

  /** Call it when a request has failed, or when the console may have restarted: which requests are this page's is then unknown. */
  forget(): void {
    this.unanswered = [];
    this.newest = null;
  }
}

/** Returns whether the console had not received the request when it read this state. */
function isAhead({ request }: OwnScaling, { scalingRequests }: PipelineResponse): boolean {
  return request === null || request > scalingRequests;
}

/** Returns whether another client has requested a number after this page. */
function isOvertaken({ request }: OwnScaling, { scalingRequests }: PipelineResponse): boolean {
  return request !== null && request < scalingRequests;
}

/** Returns the number of consumers that there should be; `null`: unknown. @param own the last request of this page */
export function wantedConsumers(latest: PipelineResponse, own: OwnScaling | null): number | null {
  return own !== null && isAhead(own, latest) ? own.count : latest.configuredConsumers;
}

export type InFlightLimit = number | 'auto' | null;

/** An in-flight limit that this page has requested. */
export interface LimitRequest {
  readonly limit: InFlightLimit;
  /** Seconds since 1970. */
  readonly at: number;
}

/** What this page has requested last. */
interface OwnRequests {
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
