import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest, FastifyReply } from 'fastify';
import { HttpStatus, Injectable } from '@nestjs/common';
import { Problem } from './problem.js';

/** Names the caller that a limit counts: the subject of its token, or its address without one. */
export function callerKey({ caller, ip }: Pick<FastifyRequest, 'caller' | 'ip'>): string {
  return caller?.subject ?? normalizeIP(ip);
}

/** How many requests of a kind may be in progress at once, by the names of both settings; 0: no limit. */
export type ConcurrencySettings<Name extends string> = Readonly<
  Record<`${Name}_PER_CALLER` | `${Name}_IN_TOTAL`, number>
>;

/** A kind of requests that take places. */
interface LimitedKind<Name extends string> {
  /** The begin of the names of both settings. */
  readonly setting: Name;
  /** In the plural, such as `exports`. */
  readonly name: string;
  /** The code of both problems. */
  readonly code: string;
}

const RETRY = 'Retry when one has ended.';
const RETRY_AFTER = { 'Retry-After': '5' };

/** Limits how many requests of a kind are in progress: of each caller, so that none takes all places, and in total. */
export class ConcurrencyLimit<Name extends string = string> {
  private readonly perCaller: number;
  private readonly inTotal: number;
  private readonly taken = new Map<string, number>();
  private readonly holders = new WeakSet<object>();
  private total = 0;

  constructor(
    private readonly kind: LimitedKind<Name>,
    limits: ConcurrencySettings<Name>,
  ) {
    this.perCaller = limits[`${kind.setting}_PER_CALLER`];
    this.inTotal = limits[`${kind.setting}_IN_TOTAL`];
  }

  /** The number of taken places. */
  get count(): number {
    return this.total;
  }

  /**
   * Takes a place until the response is sent or the client disconnects. A request that is repeated keeps the place it has.
   * @param caller whose place it is
   * @throws Problem 429 when the caller has all its places, 503 when none is left
   */
  hold(
    request: Pick<FastifyRequest, 'caller' | 'ip'>,
    { raw }: Pick<FastifyReply, 'raw'>,
    caller = callerKey(request),
  ): void {
    if (this.holders.has(raw)) return;
    const release = this.take(caller);
    this.holders.add(raw);
    // The client has already disconnected: `close` is emitted only once, so it would never fire here.
    if (raw.destroyed) release();
    else raw.once('close', release);
  }

  /** Takes a place. @returns a function that gives it back, once @throws Problem as `hold` */
  take(caller: string): () => void {
    const { perCaller, inTotal } = this;
    const own = this.taken.get(caller) ?? 0;
    if (perCaller > 0 && own >= perCaller) throw this.tooManyOfCaller();
    if (inTotal > 0 && this.total >= inTotal) throw this.tooManyInTotal();
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

  private tooManyOfCaller(): Problem {
    const { setting, name, code } = this.kind;
    const detail = `You have ${this.perCaller} ${name} in progress, which is the limit (setting ${setting}_PER_CALLER). ${RETRY}`;
    return new Problem(HttpStatus.TOO_MANY_REQUESTS, code, detail, {}, RETRY_AFTER);
  }

  private tooManyInTotal(): Problem {
    const { setting, name, code } = this.kind;
    const detail = `All clients together have ${this.inTotal} ${name} in progress, which is the limit (setting ${setting}_IN_TOTAL). ${RETRY}`;
    return new Problem(HttpStatus.SERVICE_UNAVAILABLE, code, detail, {}, RETRY_AFTER);
  }
}

/** The places of event streams, which clients may keep open for hours. */
@Injectable()
export class EventStreams extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'EVENT_STREAMS'>) {
    super({ setting: 'EVENT_STREAMS', name: 'event streams', code: 'too-many-event-streams' }, limits);
  }
}
