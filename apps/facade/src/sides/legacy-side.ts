import { parseStrictJson } from '#legacy/json/strict-json.js';
import { toLegacy } from '#legacy/translation/to-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { LegacyRead } from '../reads/legacy-read.js';
import type { WriteOutcome, WrittenSide } from './side.js';
import { responseHeadersOf } from './forwarded-headers.js';
import { SideAwayError } from './side-away-error.js';
import type { SideConnection, SideRequest, SideResponse, WholeAnswer } from './side-connection.js';
import { isFinalRefusal } from './final-refusal.js';
import { inOrderByAccount } from './in-order-by-account.js';

/** Requests of one call at a time. The legacy system writes whole files, and writes that arrive meanwhile share the next version. */
const MAX_CONCURRENT = 64;
/** The largest order number. */
const MAX_NUMBER = 1_000_000_000;
/** An answer to a write, or to a read by id. */
const MAX_ORDER_BYTES = 64 * 1024;

type Headers = Readonly<Record<string, string | string[]>>;

/** A write of a client. */
export interface ForwardedWrite {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface ForwardedAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** The legacy system, by its HTTP API. */
export class LegacySide implements WrittenSide {
  readonly name = 'legacy';

  constructor(
    private readonly connection: SideConnection,
    private readonly zone: LegacyTimeZone,
  ) {}

  /**
   * Sends a client's request as it is, and reads the response as it comes.
   * @throws SideAwayError if there is no response
   */
  async forward<T>(request: SideRequest, read: (response: SideResponse) => T | Promise<T>): Promise<T> {
    return this.connection.request(request, read);
  }

  /** Sends a client's write as it is, and reads the whole response. @throws SideAwayError if there is none: see its `wasNotSent` */
  async post({ path, headers, body }: ForwardedWrite): Promise<ForwardedAnswer> {
    return this.connection.request({ method: 'POST', path, headers, body }, async (response) => ({
      status: response.status,
      headers: responseHeadersOf(response.headers),
      body: new Uint8Array(await response.body.arrayBuffer()),
    }));
  }

  /**
   * Returns the highest number in use; 0 without an order. It searches by ranges that begin later and later, and reads only the first
   * bytes of each: some 30 requests.
   * @throws SideAwayError
   */
  async highestNumber(signal: AbortSignal): Promise<number> {
    let [known, beyond] = [0, MAX_NUMBER + 1];
    while (beyond - known > 1) {
      // At first from number 1 on: the search in an empty system takes one request.
      const start = known === 0 && beyond > MAX_NUMBER ? 1 : Math.floor((known + beyond) / 2);
      if (await this.hasOrderFrom(start, signal)) known = start;
      else beyond = start;
    }
    return known;
  }

  /** Sends a read of the facade itself, and reads the whole answer. @throws SideAwayError if there is none, or a longer one */
  async read(read: LegacyRead, maxBytes: number, signal: AbortSignal): Promise<WholeAnswer> {
    return this.connection.ask({ method: 'GET', path: pathOf(read), signal }, maxBytes);
  }

  /** The orders of an account are written one after another. After an unknown outcome, the later ones of the account are not sent. */
  async write(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    const accounts = Math.min(MAX_CONCURRENT, this.connection.connections);
    return inOrderByAccount(orders, accounts, async (order) => this.writeOne(order, signal));
  }

  async areReadable(ids: readonly string[], signal: AbortSignal): Promise<readonly ('readable' | 'not-yet')[]> {
    const found: ('readable' | 'not-yet')[] = [];
    const concurrent = Math.min(MAX_CONCURRENT, this.connection.connections);
    for (let from = 0; from < ids.length; from += concurrent) {
      const part = ids.slice(from, from + concurrent);
      found.push(...(await Promise.all(part.map(async (id) => this.isReadable(id, signal)))));
    }
    return found;
  }

  /** @throws when the legacy system answers no request at all; a status of any kind is an answer */
  async ping(signal: AbortSignal): Promise<void> {
    await this.connection.ask({ method: 'GET', path: '/health/ready', signal }, MAX_ORDER_BYTES);
  }

  private async hasOrderFrom(start: number, signal: AbortSignal): Promise<boolean> {
    const path = `/orders/range?start=${start}&end=${MAX_NUMBER}`;
    return this.connection.request({ method: 'GET', path, signal }, async ({ status, body }) => {
      let text = '';
      if (status === 200)
        for await (const piece of body as AsyncIterable<Buffer>) {
          text += piece.toString('latin1');
          // The rest may be long, and is not read.
          if (/\[\s*[^\s\]]/.test(text)) return true;
        }
      if (/^\s*\[\s*\]\s*$/.test(text)) return false;
      throw new SideAwayError('legacy', 'bad-answer', `${path} responded with ${status} ${text.slice(0, 60)}`);
    });
  }

  private async isReadable(id: string, signal: AbortSignal): Promise<'readable' | 'not-yet'> {
    const { status, bytes } = await this.read({ capability: 'read-by-id', id }, MAX_ORDER_BYTES, signal);
    if (status !== 200) throw new SideAwayError('legacy', 'bad-answer', `order ${id} responded with ${status}`);
    return textOf(bytes).trim() === 'null' ? 'not-yet' : 'readable';
  }

  private async writeOne(order: LegacyOrder, signal: AbortSignal): Promise<WriteOutcome> {
    const translated = toLegacy(order, this.zone);
    if ('reason' in translated) {
      const { code, field = 'the order', detail } = translated.reason;
      return { result: 'refused', code, message: `${field} ${detail}`, status: 400 };
    }
    const body = JSON.stringify(translated.record);
    const headers = { 'content-type': 'application/json' };
    try {
      const answer = await this.connection.ask(
        { method: 'POST', path: '/orders', headers, body, signal },
        MAX_ORDER_BYTES,
      );
      return outcomeOf(answer);
    } catch (error) {
      return { result: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  }
}

function pathOf(read: LegacyRead): string {
  if (read.capability === 'read-by-id') return `/orders/${encodeURIComponent(read.id)}`;
  if (read.capability === 'read-by-page') return `/orders/page/${read.page}`;
  return `/orders/range?start=${read.start}&end=${read.end}`;
}

function outcomeOf({ status, bytes }: WholeAnswer): WriteOutcome {
  if (status === 200 || status === 201) return { result: 'stored' };
  const text = textOf(bytes);
  if (!isFinalRefusal(status)) return { result: 'unknown', message: `status ${status}: ${text.slice(0, 200)}` };
  return { result: 'refused', code: `legacy-${status}`, message: messageIn(text), status };
}

/** Returns the message of an error in the form of the legacy system's framework. */
function messageIn(text: string): string {
  const parsed = parseStrictJson(text);
  const value: unknown = 'value' in parsed ? parsed.value : undefined;
  const hasMessage = typeof value === 'object' && value !== null && 'message' in value;
  return hasMessage && typeof value.message === 'string' ? value.message : text.slice(0, 200);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
