import { html, type TemplateResult } from 'lit';
import { quoted } from './figures.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Returns whether a text is a whole UUID, as the ids of orders and operations are. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** What an id looks like, for messages on a text that is none. */
export const ID_FORM = 'an id has 36 characters, such as 970844c7-0d33-82a3-ba87-000000001266';

/** The sections of the page, in their order. Each is an address of its own, such as `#scale`. */
const SECTIONS = ['now', 'populate', 'scale', 'partitions', 'letters', 'orders', 'migration'] as const;
export type Section = (typeof SECTIONS)[number];

/** What the part of the URL after `#` selects: a section, or something in it. */
export type Address =
  | { readonly view: 'section'; readonly section: Section }
  /** `id`: a UUID, or a text that is none, of which the view says so. */
  | { readonly view: 'operation'; readonly id: string }
  | { readonly view: 'letters'; readonly errorCode: string | null; readonly operationId: string | null }
  | { readonly view: 'letter'; readonly id: string }
  | { readonly view: 'order'; readonly id: string }
  /** The oldest record of a partition that is not done. */
  | { readonly view: 'partition'; readonly partition: number }
  /**
   * `page`: the path of a further page of the result, as the query API returned it. `number`: which page that is, from 1, since the query API
   * numbers no page after a token; absent: unknown.
   */
  | { readonly view: 'search'; readonly find: string; readonly page: string | null; readonly number?: number };

/** Only pages of orders: a link must not make the page send any other request. */
const ORDERS_PAGE = /^\/v1\/orders(\/range)?\?/;

const PARTITION = /^\d{1,6}$/;

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
  if (head === 'partitions' && PARTITION.test(id)) return { view: 'partition', partition: Number(id) };
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
    case 'partition':
      return `#partitions/${address.partition}`;
    case 'search':
      return `#orders?${queryOf({ find: address.find, page: address.page, number: address.number?.toString() ?? null })}`;
  }
}

/** A link to an operation. @param text its id by default */
export function operationLink(id: string, text: string | TemplateResult = html`<code>${id}</code>`): TemplateResult {
  return html`<a href=${hashOf({ view: 'operation', id })}>${text}</a>`;
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
    case 'partition':
      return 'partitions';
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

/** Keeps the view and the address bar the same, so that links, reload, back and forward work. Emits `change`. */
export class Router extends EventTarget {
  address: Address | null;

  constructor(
    private readonly page: Window,
    private readonly location: Location,
    private readonly history: History,
  ) {
    super();
    this.address = parseAddress(location.hash);
  }

  /** The fragment of the URL when it selects nothing, though it is not empty; `null`: it is an address. */
  get unknown(): string | null {
    const { hash } = this.location;
    return this.address === null && hash.length > 1 ? hash : null;
  }

  start(): void {
    this.page.addEventListener('hashchange', () => {
      // Marks an entry that was reached from within the page, so that `leave` knows whether it can go back.
      if (this.history.state === null) this.history.replaceState({ isWithin: true }, '');
      this.address = parseAddress(this.location.hash);
      this.dispatchEvent(new Event('change'));
    });
  }

  /** Shows an address, as a link to it does. */
  go(address: Address): void {
    this.location.hash = hashOf(address);
  }

  /** Closes what the address selects: goes back to the view before it, or to its section when the page was opened with it. */
  leave(): void {
    if (this.address === null) return;
    if (this.history.state !== null) {
      this.history.back();
      return;
    }
    this.address = { view: 'section', section: sectionOf(this.address) };
    this.history.replaceState(null, '', hashOf(this.address));
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * Scrolls to a section and moves the focus there, unless the user is in it already.
 * @param isFirst the page was just opened, and its parts still load
 */
export function reveal(id: string, page: Element, isFirst: boolean): void {
  const section = page.querySelector(`#${id}`);
  if (section === null || section.contains(document.activeElement)) return;
  if (isFirst) keepInView(section, page);
  else section.scrollIntoView();
  section.querySelector('h2')?.focus({ preventScroll: true });
}

/** Within this time the parts of a page that has just been opened have loaded, and the page has its height. */
const LOADED_WITHIN_MS = 10_000;
/** What shows that the user moves on their own. */
const USER_EVENTS = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

/**
 * Scrolls to an element, and again whenever the page changes its height: the parts above it load and grow after the page was opened with
 * its address. Ends when the user scrolls, clicks or types, and after ten seconds.
 * @param content the element whose height changes
 */
function keepInView(element: Element, content: Element): void {
  const resized = new ResizeObserver(() => element.scrollIntoView());
  const ended = new AbortController();
  const { signal } = ended;
  const end = (): void => ended.abort();
  signal.addEventListener('abort', () => resized.disconnect());
  for (const event of USER_EVENTS) addEventListener(event, end, { signal, passive: true });
  setTimeout(end, LOADED_WITHIN_MS);
  // Also reports the size once at the start.
  resized.observe(content);
}

/** Says that a fragment of the URL selects nothing, and where to go. */
export function unknownAddress(hash: string): TemplateResult {
  return html`<p class="banner bad unknown-address" role="alert" tabindex="-1">
    This page has nothing at ${quoted(hash)}. Choose a section in the header, or
    <a href="#orders">search for an order, an operation or a dead letter</a> by its id.
  </p>`;
}

/** Scrolls to the message, which is above the sections, and moves the focus there, so that Tab reaches its link. Does nothing when there is none. */
export function revealUnknown(page: Element): void {
  const message = page.querySelector<HTMLElement>('.unknown-address');
  message?.scrollIntoView();
  message?.focus({ preventScroll: true });
}
