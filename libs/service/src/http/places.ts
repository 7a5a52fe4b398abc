import { HttpStatus } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerKey } from './caller-key.js';
import { Problem } from './problem.js';

/** How many requests may be in progress at once; 0: no limit. */
export interface PlaceLimits {
  readonly perCaller: number;
  readonly total: number;
}

/** What the places are for, in the words of its problems. */
export interface PlacePurpose {
  /** In the plural, such as `exports`. The code of both problems is `too-many-` and this, with hyphens. */
  readonly name: string;
  /** The settings of both limits. */
  readonly settings: Readonly<Record<keyof PlaceLimits, string>>;
}

const RETRY_AFTER_SECONDS = 5;

/** Limits how many requests of a kind are in progress: of each caller, so that none takes all places, and in total. */
export class Places {
  private readonly taken = new Map<string, number>();
  private total = 0;

  constructor(
    private readonly purpose: PlacePurpose,
    private readonly limits: PlaceLimits,
  ) {}

  /** The number of taken places. */
  get count(): number {
    return this.total;
  }

  /**
   * Takes a place until the response is sent or the client disconnects.
   * @throws Problem 429 when the caller has all its places, 503 when none is left
   */
  hold(request: Pick<FastifyRequest, 'caller' | 'ip'>, { raw }: Pick<FastifyReply, 'raw'>): void {
    const release = this.take(callerKey(request));
    // The client has already disconnected: `close` is emitted only once, so it would never fire here.
    if (raw.destroyed) release();
    else raw.once('close', release);
  }

  /** Takes a place. @returns a function that gives it back, once @throws Problem as `hold` */
  take(caller: string): () => void {
    const { perCaller, total } = this.limits;
    const own = this.taken.get(caller) ?? 0;
    if (perCaller > 0 && own >= perCaller) throw this.refusal(HttpStatus.TOO_MANY_REQUESTS, 'perCaller');
    if (total > 0 && this.total >= total) throw this.refusal(HttpStatus.SERVICE_UNAVAILABLE, 'total');
    this.taken.set(caller, own + 1);
    this.total += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.release(caller);
    };
  }

  private release(caller: string): void {
    const left = (this.taken.get(caller) ?? 0) - 1;
    if (left > 0) this.taken.set(caller, left);
    else this.taken.delete(caller);
    this.total -= 1;
  }

  private refusal(status: HttpStatus, limit: keyof PlaceLimits): Problem {
    const { name, settings } = this.purpose;
    const whose = limit === 'total' ? 'All clients together have' : 'You have';
    const detail = `${whose} ${this.limits[limit]} ${name} in progress, which is the limit (setting ${settings[limit]}). Retry when one has ended.`;
    const headers = { 'Retry-After': String(RETRY_AFTER_SECONDS) };
    return new Problem(status, `too-many-${name.replaceAll(' ', '-')}`, detail, {}, headers);
  }
}
