/** An order as a client knows it: the text is the JSON of the order, with its fields in the legacy system's order. */
export interface KnownOrder {
  readonly number: number;
  readonly id: string;
  readonly text: string;
}

/** Whether an answer is right, and the orders in it. */
export type Judgement =
  | { readonly verdict: 'right'; readonly orders: readonly KnownOrder[] }
  | { readonly verdict: 'wrong'; readonly reason: string };

/** What a client sends in `POST /orders`. */
export interface SentOrder {
  readonly id: string;
  readonly accountId: string;
  readonly side: 'buy' | 'sell';
  readonly symbol: string;
  readonly quantity: number;
  readonly price: number;
  readonly currency: string;
  readonly createdAt?: string;
}

const FIELDS = 'id,number,accountId,side,symbol,quantity,price,amount,currency,createdAt';
const SHOWN_CHARACTERS = 200;

/** Judges the answer to a write: a whole order, with all that the client sent. */
export function judgeWrite(body: string, sent: SentOrder): Judgement {
  const read = readOrders(`[${body}]`);
  if (typeof read === 'string') return wrong(read);
  const [order] = read;
  if (order === undefined) return wrong('no order');
  const fields = JSON.parse(order.text) as Record<string, unknown>;
  const differing = Object.entries(sent).find(([name, value]) => fields[name] !== value);
  if (differing === undefined) return { verdict: 'right', orders: read };
  return wrong(`${differing[0]} was sent as ${JSON.stringify(differing[1])}: ${body.slice(0, SHOWN_CHARACTERS)}`);
}

/** Judges the answer to a read by id. @param known the order's text; `undefined`: there is no such order */
export function judgeOrder(body: string, known: string | undefined): Judgement {
  if (known === undefined)
    return body === 'null' ? { verdict: 'right', orders: [] } : wrong('an unknown id has an order');
  const read = readOrders(`[${body}]`);
  if (typeof read === 'string') return wrong(read);
  return read[0]?.text === known ? { verdict: 'right', orders: read } : wrong(differs(body, known));
}

/**
 * Judges the answer to a page or range: sorted by number, with all orders of it that the client knows, and nothing else in their place.
 * @param known the texts of these orders by number, as they were known before the request
 */
export function judgeList(
  body: string,
  { from, to }: { readonly from: number; readonly to: number },
  known: ReadonlyMap<number, string>,
): Judgement {
  const read = readOrders(body);
  if (typeof read === 'string') return wrong(read);
  let last = from - 1;
  const found = new Map<number, string>();
  for (const { number, text } of read) {
    if (number <= last || number > to) return wrong(`order ${number} is not in its place`);
    last = number;
    found.set(number, text);
  }
  for (const [number, text] of known) {
    const answered = found.get(number);
    if (answered === undefined) return wrong(`order ${number} is missing, but the client knows it`);
    if (answered !== text) return wrong(differs(answered, text));
  }
  return { verdict: 'right', orders: read };
}

/** Returns the orders of a JSON array, or what is wrong with it. */
function readOrders(body: string): readonly KnownOrder[] | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `is not JSON: ${body.slice(0, SHOWN_CHARACTERS)}`;
  }
  if (!Array.isArray(value)) return `is no list: ${body.slice(0, SHOWN_CHARACTERS)}`;
  const orders: KnownOrder[] = [];
  for (const element of value as unknown[]) {
    if (typeof element !== 'object' || element === null || Object.keys(element).join() !== FIELDS)
      return `is no order: ${JSON.stringify(element)}`.slice(0, SHOWN_CHARACTERS);
    const { id, number } = element as KnownOrder;
    orders.push({ id, number, text: JSON.stringify(element) });
  }
  return orders;
}

function wrong(reason: string): Judgement {
  return { verdict: 'wrong', reason };
}

function differs(answered: string, known: string): string {
  return `is ${answered.slice(0, 2 * SHOWN_CHARACTERS)}, but the client knows ${known}`;
}
