import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';

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
export function isAhead({ request }: OwnScaling, { scalingRequests }: PipelineResponse): boolean {
  return request === null || request > scalingRequests;
}

/** Returns whether another client has requested a number after this page. */
export function isOvertaken({ request }: OwnScaling, { scalingRequests }: PipelineResponse): boolean {
  return request !== null && request < scalingRequests;
}

/** Returns the number of consumers that there should be; `null`: unknown. @param own the last request of this page */
export function wantedConsumers(latest: PipelineResponse, own: OwnScaling | null): number | null {
  return own !== null && isAhead(own, latest) ? own.count : latest.configuredConsumers;
}
