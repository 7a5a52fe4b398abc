import { Temporal } from 'temporal-polyfill';

/** Why a local timestamp is no instant. */
export type LocalTimeFault = 'not-a-local-time' | 'ambiguous-time' | 'nonexistent-time';

/** A span of instants with one offset: from inclusive, to exclusive, all in milliseconds. */
interface Span {
  readonly from: number;
  readonly to: number;
  /** Local time minus UTC. */
  readonly offset: number;
}

/** Matches exactly the form in which the legacy system writes a timestamp: `2026-01-31T12:00:00.000`. */
const LOCAL_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}$/;
const HOUR_MS = 3_600_000;
/** No offset from UTC is larger. An instant is less than this away from what its local time would be in UTC. */
const LARGEST_OFFSET_MS = 26 * HOUR_MS;
const NANOSECONDS_PER_MS = 1_000_000;
/** A zone has about two spans a year. Dates of any year must not make the list grow without end. */
const KEPT_SPANS = 256;

/**
 * The time zone of the legacy system's local timestamps. Pure: it depends on the zone's rules in Node.js's own database only.
 * The rules are read once for each span of constant offset (the library needs 25 us for each time), so that a conversion costs
 * about a microsecond.
 */
export class LegacyTimeZone {
  private readonly spans: Span[] = [];

  /**
   * @param name an IANA name such as `Europe/Berlin`
   * @throws RangeError for an unknown name
   */
  constructor(readonly name: string) {
    this.readSpan(0);
  }

  /** Returns the local timestamp of an instant. Two instants have the same one when clocks are set back. */
  toLocal(instant: Date): string {
    const milliseconds = instant.getTime();
    return new Date(milliseconds + this.spanAt(milliseconds).offset).toISOString().slice(0, -1);
  }

  /** Returns the only instant with this local timestamp, or why there is none. It never chooses one of two. */
  toInstant(text: string): Date | LocalTimeFault {
    const local = asUtc(text);
    if (local === undefined) return 'not-a-local-time';
    const found: number[] = [];
    for (let at = local - LARGEST_OFFSET_MS; at < local + LARGEST_OFFSET_MS;) {
      const span = this.spanAt(at);
      const instant = local - span.offset;
      if (instant >= span.from && instant < span.to) found.push(instant);
      at = span.to;
    }
    const [instant, second] = found;
    if (instant === undefined) return 'nonexistent-time';
    return second === undefined ? new Date(instant) : 'ambiguous-time';
  }

  private spanAt(milliseconds: number): Span {
    const known = this.spans.find(({ from, to }) => milliseconds >= from && milliseconds < to);
    return known ?? this.readSpan(milliseconds);
  }

  private readSpan(milliseconds: number): Span {
    const at = Temporal.Instant.fromEpochMilliseconds(milliseconds).toZonedDateTimeISO(this.name);
    // `previous` excludes the instant itself, which may be the transition.
    const from = at.add({ milliseconds: 1 }).getTimeZoneTransition('previous');
    const span = {
      from: from?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
      to: at.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
      offset: at.offsetNanoseconds / NANOSECONDS_PER_MS,
    };
    // The newest first: most orders are of the same months.
    this.spans.unshift(span);
    if (this.spans.length > KEPT_SPANS) this.spans.pop();
    return span;
  }
}

/** Reads a local timestamp as if it were UTC; `undefined` for another form, or a day or time that doesn't exist. */
function asUtc(text: string): number | undefined {
  if (!LOCAL_TIME.test(text)) return undefined;
  const date = new Date(`${text}Z`);
  // Some days that don't exist, such as February 30, are parsed as days of the next month.
  return Number.isNaN(date.getTime()) || date.toISOString() !== `${text}Z` ? undefined : date.getTime();
}
