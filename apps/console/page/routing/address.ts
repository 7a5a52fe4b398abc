import { isUuid } from '../text/uuid.js';

/** The sections of the page, in their order. Each is an address of its own, such as `#scale`. */
export const SECTIONS = ['now', 'populate', 'scale', 'partitions', 'letters', 'orders', 'migration'] as const;
export type Section = (typeof SECTIONS)[number];

/** What the part of the URL after `#` selects: a section, or something in it. */
export type Address =
  | { readonly view: 'section'; readonly section: Section }
  /** `id`: a UUID, or a text that is none, of which the view says so. */
  | { readonly view: 'operation'; readonly id: string }
  | { readonly view: 'letters'; readonly errorCode: string | null; readonly operationId: string | null }
  | { readonly view: 'letter'; readonly id: string }
  | { readonly view: 'order'; readonly id: string }
  /**
   * `page`: the path of a further page of the result, as the query API returned it. `number`: which page that is, from 1, since the query API
   * numbers no page after a token; absent: unknown.
   */
  | { readonly view: 'search'; readonly find: string; readonly page: string | null; readonly number?: number };

/** Only pages of orders: a link must not make the page send any other request. */
const ORDERS_PAGE = /^\/v1\/orders(\/range)?\?/;

/** Reads an address from a fragment with its `#`. Returns `null` when it selects nothing. */
export function parseAddress(hash: string): Address | null {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const [head = '', ...rest] = path.split('/').map((part) => decoded(part));
  const id = rest.join('/');
  const values = new URLSearchParams(query);
  if (head === 'operations' && id !== '') return { view: 'operation', id: normalized(id) };
  if (head === 'letters' && id !== '') return { view: 'letter', id };
  if (head === 'letters' && query !== '')
    return { view: 'letters', errorCode: values.get('error'), operationId: values.get('operation') };
  if (head === 'orders' && id !== '') return { view: 'order', id: normalized(id) };
  const find = head === 'orders' ? values.get('find') : null;
  if (find !== null) return searchOf(find, ordersPage(values.get('page')), Number(values.get('number')));
  const section = SECTIONS.find((each) => each === head);
  return section === undefined || id !== '' ? null : { view: 'section', section };
}

/** Returns the fragment of an address, with its `#`. */
export function hashOf(address: Address): string {
  switch (address.view) {
    case 'section':
      return `#${address.section}`;
    case 'operation':
      return `#operations/${encodeURIComponent(address.id)}`;
    case 'letters': {
      const { errorCode: error, operationId: operation } = address;
      const query = queryOf({ error, operation });
      return query === '' ? '#letters' : `#letters?${query}`;
    }
    case 'letter':
      return `#letters/${address.id.split('/').map(encodeURIComponent).join('/')}`;
    case 'order':
      return `#orders/${encodeURIComponent(address.id)}`;
    case 'search':
      return `#orders?${queryOf({ find: address.find, page: address.page, number: address.number?.toString() ?? null })}`;
  }
}

/** Returns the section in which an address is shown. */
export function sectionOf(address: Address): Section {
  switch (address.view) {
    case 'section':
      return address.section;
    case 'operation':
      return 'populate';
    case 'letters':
    case 'letter':
      return 'letters';
    case 'order':
    case 'search':
      return 'orders';
  }
}

function queryOf(values: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(given).toString();
}

function normalized(id: string): string {
  return isUuid(id) ? id.toLowerCase() : id;
}

/** @param number that of the page; ignored for the first page, and when it can't be one */
function searchOf(find: string, page: string | null, number: number): Address {
  const isNumber = page !== null && Number.isSafeInteger(number) && number >= 1;
  return { view: 'search', find, page, ...(isNumber && { number }) };
}

function ordersPage(path: string | null): string | null {
  return path !== null && ORDERS_PAGE.test(path) ? path : null;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // A link that was cut in the middle of an escape: the text as it is selects nothing.
    return part;
  }
}
