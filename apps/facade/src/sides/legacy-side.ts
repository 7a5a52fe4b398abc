import type { LegacyOrder } from '#orders/order/order.js';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { legacyView, toLegacy, type LegacyRecord } from '#legacy/translation/to-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { ForwardedRequest, LegacyAnswer, LegacyPort } from './legacy-answers.js';
import {
  type FewOrders,
  isFinalRefusal,
  type LegacyRead,
  type NumberInterval,
  type Readability,
  recordsIn,
  SideUnavailableError,
  type WriteOutcome,
  type WrittenSide,
} from './side.js';
import {
  responseHeadersOf,
  textOf,
  type SideConnection,
  type SideRequest,
  type SideResponse,
  type WholeAnswer,
} from './side-connection.js';

const NOT_SENT: WriteOutcome = {
  result: 'unknown',
  message: 'not sent, because the outcome of an earlier order of the account is unknown',
};

/**
 * Writes orders one at a time per account, in their order, and several accounts at once. An account ends at its first unknown outcome:
 * its later orders must not be stored before that one.
 * @returns the outcome of each order, in the order of `orders`
 */
async function inOrderByAccount(
  orders: readonly LegacyOrder[],
  concurrentAccounts: number,
  write: (order: LegacyOrder) => Promise<WriteOutcome>,
): Promise<readonly WriteOutcome[]> {
  const outcomes = orders.map(() => NOT_SENT);
  const accounts = [...Map.groupBy(orders.keys(), (at) => orders[at]?.accountId).values()];
  const writeAccounts = async (): Promise<void> => {
    for (let indexes = accounts.shift(); indexes !== undefined; indexes = accounts.shift()) {
      for (const at of indexes) {
        const outcome = await write(orders[at] as LegacyOrder);
        outcomes[at] = outcome;
        if (outcome.result === 'unknown') break;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrentAccounts, accounts.length) }, writeAccounts));
  return outcomes;
}

/** Requests of one call at a time. The legacy system writes whole files, and writes that arrive meanwhile share the next version. */
const MAX_CONCURRENT = 64;
/** An answer to a write, or to a read by id. */
const MAX_ORDER_BYTES = 64 * 1024;
/** The orders of at most 2,000 numbers. */
const MAX_FOUND_BYTES = 1024 * 1024;
const MAX_NUMBER = 1_000_000_000;

/** The legacy system, by its HTTP API. */
export class LegacySide implements WrittenSide, LegacyPort {
  constructor(
    private readonly connection: SideConnection,
    private readonly zone: LegacyTimeZone,
  ) {}

  /**
   * Sends a client's request as it is, and reads the response as it comes.
   * @throws SideUnavailableError if there is no response
   */
  async forward<T>(request: SideRequest, read: (response: SideResponse) => T | Promise<T>): Promise<T> {
    return this.connection.request(request, read);
  }

  async post({ path, headers, body }: ForwardedRequest): Promise<LegacyAnswer> {
    return this.forward({ method: 'POST', path, headers, body }, async (response) => ({
      status: response.status,
      headers: responseHeadersOf(response.headers),
      body: new Uint8Array(await response.body.arrayBuffer()),
    }));
  }

  /** Sends a read of the facade itself, and reads the whole answer. @throws SideUnavailableError if there is none, or a longer one */
  async read(read: LegacyRead, maxBytes: number, signal: AbortSignal): Promise<WholeAnswer> {
    return this.connection.ask({ method: 'GET', path: pathOf(read), signal }, maxBytes);
  }

  async find(read: FewOrders, signal: AbortSignal): Promise<readonly LegacyRecord[]> {
    const answer = await this.read(read, MAX_FOUND_BYTES, signal);
    if (answer.status === 200) return recordsIn(textOf(answer), 'legacy');
    throw new SideUnavailableError('legacy', 'bad-answer', `it responded with ${answer.status}`);
  }

  /**
   * Finds the highest number by halving: the legacy system has no request for it, and numbers have holes. About 30 ranges are asked
   * for, and only the beginning of each is read.
   */
  async highestNumber(signal: AbortSignal): Promise<number> {
    let low = 0;
    let high = MAX_NUMBER;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (await this.isEmpty({ from: middle, to: MAX_NUMBER }, signal)) high = middle - 1;
      else low = middle;
    }
    return low;
  }

  /**
   * Returns whether no order has one of these numbers. Only the beginning of the answer is read: it may be long.
   * @throws SideUnavailableError if there is no answer, or one that is no list
   */
  async isEmpty({ from, to }: NumberInterval, signal: AbortSignal): Promise<boolean> {
    const path = pathOf({ capability: 'read-by-range', start: from, end: to });
    return this.connection.request({ method: 'GET', path, signal }, async ({ status, body }) => {
      let text = '';
      for await (const chunk of body) {
        text += String(chunk);
        if (/^\s*\[\s*[^\s]/.test(text)) break;
      }
      body.destroy();
      if (status === 200 && /^\s*\[\s*[^\s]/.test(text)) return /^\s*\[\s*\]/.test(text);
      throw new SideUnavailableError('legacy', 'bad-answer', `${path} responded with ${status}`);
    });
  }

  /** The orders of an account are written one after another. After an unknown outcome, the later ones of the account are not sent. */
  async write(orders: readonly LegacyOrder[], signal: AbortSignal): Promise<readonly WriteOutcome[]> {
    const accounts = Math.min(MAX_CONCURRENT, this.connection.connections);
    return inOrderByAccount(orders, accounts, async (order) => this.writeOne(order, signal));
  }

  async areReadable(ids: readonly string[], signal: AbortSignal): Promise<readonly Readability[]> {
    const found: Readability[] = [];
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

  private async isReadable(id: string, signal: AbortSignal): Promise<Readability> {
    const answer = await this.read({ capability: 'read-by-id', id }, MAX_ORDER_BYTES, signal);
    if (answer.status !== 200)
      throw new SideUnavailableError('legacy', 'bad-answer', `order ${id} responded with ${answer.status}`);
    return textOf(answer).trim() === 'null' ? 'not-yet' : 'readable';
  }

  private async writeOne(order: LegacyOrder, signal: AbortSignal): Promise<WriteOutcome> {
    const translated = toLegacy(order, this.zone);
    // In the hour in which clocks are set back, the legacy system's own timestamps are ambiguous too. The target has the instant.
    if ('reason' in translated && translated.reason.code !== 'ambiguous-time') {
      const { code, field = 'the order', detail } = translated.reason;
      return { result: 'refused', code, message: `${field} ${detail}`, status: 400 };
    }
    const body = JSON.stringify('record' in translated ? translated.record : legacyView(order, this.zone));
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

function outcomeOf(answer: WholeAnswer): WriteOutcome {
  const { status } = answer;
  if (status === 200 || status === 201) return { result: 'stored' };
  const text = textOf(answer);
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
