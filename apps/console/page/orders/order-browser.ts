import type { Order, OrderTrace, OrderPage, PageLinks } from '#api/query-api.js';
import { initialState, Task } from '@lit/task';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { isNotFound, messageOf, type Client } from '../client.js';
import { figure, amount, moment, plural, quoted } from '../figures.js';
import { fieldValue } from '../form-fields.js';
import { PageElement } from '../page-element.js';
import { hashOf, operationLink, type Address, ID_FORM, isUuid } from '../routing.js';
import { alertView, RequestState } from '../request-state.js';
import { factsView, tableView, type Column } from '../table-view.js';
import { timeLineView } from '../time-line.js';
import { orderStory } from './order-story.js';
import { readSearch } from './order-search.js';

/** Finds orders by what is typed, operations and dead letters by their id, and shows the trace of each order. */
export class OrderBrowser extends PageElement {
  /** The order or the search to show; `null`: none. */
  @property({ attribute: false }) address: OrdersAddress | null = null;
  @state() trace: OrderTrace | null = null;
  /** An id is looked up, to find out what it is of, until that is shown. */
  @state() isIdentifying = false;
  private readonly tracing = new RequestState(this);
  private readonly finding = new Task(this, {
    args: () => [this.address] as const,
    task: async ([address], { signal }) => {
      if (address === null) return initialState;
      const found = await findOrders(this.client, address, Date.now());
      if (address.view === 'order' && !signal.aborted) void this.toggle(address.id);
      return found;
    },
  });

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('address')) return;
    this.trace = null;
    this.isIdentifying = false;
    if (this.tracing.hasFailed) this.tracing.forget();
  }

  protected override updated(changed: PropertyValues<this>): void {
    const input = this.querySelector('input');
    if (changed.has('address') && input !== null) input.value = textOf(this.address);
  }

  protected override render(): TemplateResult {
    return html`
      <form class="fields" role="search" novalidate @submit=${(event: SubmitEvent) => void this.search(event)}>
        <label class="wide">
          Id, number, from..to, day (UTC), account or symbol
          <input name="what" placeholder="empty: first page" autocomplete="off" spellcheck="false" />
        </label>
        <button class="main">Find</button>
      </form>
      ${this.tracing.failureView()} ${this.isIdentifying ? SEARCHING : this.resultView()}
    `;
  }

  private resultView(): TemplateResult | typeof nothing | undefined {
    return this.finding.render({
      pending: () => SEARCHING,
      error: (error) => this.failureView(error),
      complete: (found) => this.pageView(found),
    });
  }

  private failureView(error: unknown): TemplateResult {
    const { address } = this;
    return html`${alertView(isNotFound(error) ? 'Order not found.' : messageOf(error))}
    ${address?.view === 'search' && address.page !== null ? html`<p><a href=${hashOf({ ...address, page: null })}>Show the first page</a></p>` : nothing}`;
  }

  private pageView({ items, page, none }: Found): TemplateResult {
    if (items.length === 0) return html`<p class="muted" role="status">${none} ${lastPageLink(page)}</p>`;
    const pageButton = (name: string, path: string | undefined, step: 1 | -1): TemplateResult =>
      html`<button ?disabled=${path === undefined} @click=${() => this.turn(path ?? null, step)}>${name}</button>`;
    const isOnly = page.next === undefined && page.prev === undefined;
    return html`<p class="hidden" role="status">${countText(items.length, page)}</p>
      ${ordersTable(items, this.trace, (id) => void this.toggle(id))}
      ${
        isOnly
          ? nothing
          : html`<div class="row">
              ${pageButton('Previous', page.prev, -1)} ${pageButton('Next', page.next, 1)}
              ${page.number === undefined ? nothing : html`<span class="muted">page ${page.number}</span>`}
            </div>`
      }`;
  }

  private async search(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const find = fieldValue(event.target as HTMLFormElement, 'what');
    const search = readSearch(find, Date.now());
    if (search.kind === 'letter') this.router.go({ view: 'letter', id: search.id });
    else if (search.kind === 'id') await this.findId(search.id);
    // A text that can't be right gets its address too, and the page below it says why.
    else this.show({ view: 'search', find, page: null });
  }

  private async findId(id: string): Promise<void> {
    this.isIdentifying = true;
    const view = await viewOfId(this.client, id);
    if (view === 'operation') {
      this.isIdentifying = false;
      this.router.go({ view, id });
    } else this.show(view === 'order' ? { view, id } : { view: 'search', find: id, page: null });
  }

  /** The same search again shows what is saved by now. */
  private show(address: OrdersAddress): void {
    if (this.address !== null && hashOf(address) === hashOf(this.address)) this.address = address;
    else this.router.go(address);
  }

  private turn(page: string | null, step: 1 | -1): void {
    if (this.address?.view !== 'search' || page === null) return;
    const { find } = this.address;
    const number = this.finding.value?.page.number;
    // A page with a token has no number, so the address keeps it.
    const isNumberless = number !== undefined && page.includes('pageToken=');
    this.router.go({ view: 'search', find, page, ...(isNumberless && { number: number + step }) });
  }

  /** Opens or closes the trace of an order. */
  private async toggle(id: string): Promise<void> {
    if (this.trace?.id === id) this.trace = null;
    else
      await this.tracing.run(async () => {
        this.trace = await this.client.get<OrderTrace>(`/v1/orders/${id}/trace`);
      });
  }
}

/** A page without orders may be behind the last one. */
function lastPageLink({ number = 0, last }: Found['page']): TemplateResult | typeof nothing {
  const lastNumber = Number(new URLSearchParams(last?.split('?')[1]).get('page'));
  if (lastNumber === 0 || lastNumber >= number) return nothing;
  const address: Address = { view: 'search', find: `page ${lastNumber}`, page: null };
  return html`<a href=${hashOf(address)}>Show the last page, ${figure(lastNumber)}</a>`;
}

function textOf(address: OrdersAddress | null): string {
  if (address === null) return '';
  return address.view === 'search' ? address.find : address.id;
}

const SEARCHING = html`<p class="muted" role="status">Searching…</p>`;

const COLUMNS: readonly Column[] = [
  { text: 'Number', style: 'number' },
  'Account',
  'Side',
  'Symbol',
  { text: 'Quantity', style: 'number' },
  { text: 'Price', style: 'number' },
  { text: 'Amount', style: 'number' },
  'Created',
  { text: html`<span class="hidden">Trace</span>` },
];

/** Shows orders as a table, on a phone as a list, with the trace of one of them. @param toggle opens or closes the trace of an order */
function ordersTable(orders: readonly Order[], trace: OrderTrace | null, toggle: (id: string) => void): TemplateResult {
  return tableView(
    'Found orders',
    COLUMNS,
    orders.map((order) => orderRows(order, trace, toggle)),
    'orders',
  );
}

function orderRows(order: Order, trace: OrderTrace | null, toggle: (id: string) => void): TemplateResult {
  const { id, number, accountId, side, symbol, quantity, price, amount: total, currency, createdAt } = order;
  const isOpen = trace?.id === id;
  return html`<tr>
      <th scope="row" class="number">
        <a href=${hashOf({ view: 'order', id })} title="Link to this order">${figure(number)}</a>
      </th>
      <td>${accountId}</td>
      <td>${side}</td>
      <td>${symbol}</td>
      <td class="number" data-name="Quantity">${figure(quantity)}</td>
      <td class="number" data-name="Price">${amount(price)}</td>
      <td class="number" data-name="Amount">${amount(total)} ${currency}</td>
      <td class="when" data-name="Created">${moment(createdAt)}</td>
      <td class="actions"><button aria-expanded=${isOpen} @click=${() => toggle(id)}>Trace</button></td>
    </tr>
    ${
      isOpen
        ? html`<tr class="item">
            <td colspan="9">${traceView(trace)}</td>
          </tr>`
        : nothing
    }`;
}

/** Indexes begin at 0; what people read begins at 1. */
function traceView(trace: OrderTrace): TemplateResult {
  const { id, operationId, index, chunk, partition, offset, steps, traceUrl } = trace;
  const place = index === null ? nothing : `, its order ${figure(index + 1)}`;
  return html`${factsView([
    ['id', html`<code>${id}</code>`],
    ['operation', operationId === null ? 'unknown' : html`${operationLink(operationId)}${place}`],
    ['chunk', chunk === null ? 'unknown' : `its orders ${figure(chunk.from + 1)} to ${figure(chunk.to + 1)}`],
    ['Kafka', `partition ${partition}, offset ${figure(offset)}`],
    ['trace', traceUrl === null ? null : html`<a href=${traceUrl} target="_blank" rel="noreferrer">Open the trace</a>`],
  ])}
  ${timeLineView('Time line of the order', orderStory(steps))}`;
}

/** Says how many orders are shown, and whether more follow. Read by screen readers. */
export function countText(shown: number, { number, next, prev }: Found['page']): string {
  const orders = plural(shown, 'order');
  if (next === undefined && prev === undefined) return `${orders} found`;
  const page = number === undefined ? 'this page' : `page ${number}`;
  return `${orders} on ${page}, ${next === undefined ? 'the last one' : 'more follow'}`;
}

type OrdersAddress = Extract<Address, { view: 'search' | 'order' }>;

/** What a search found, and the sentence for nothing. */
interface Found {
  readonly items: readonly Order[];
  /** Empty for a single order. */
  readonly page: Partial<PageLinks>;
  readonly none: string;
}

/**
 * Finds the order or the orders of an address.
 * @param now milliseconds since 1970
 * @throws Error whose message says what is wrong with the address, or what failed
 */
async function findOrders(client: Client, address: OrdersAddress, now: number): Promise<Found> {
  if (address.view === 'order') return linkedOrder(client, address.id);
  const search = readSearch(address.find, now);
  switch (search.kind) {
    case 'orders':
      const { items, page } = await client.get<OrderPage>(address.page ?? search.path);
      // A page that the query API did not number has its number in the address.
      return { items, page: { ...(address.number && { number: address.number }), ...page }, none: search.none };
    case 'id':
      return orderOfId(client, search.id);
    case 'letter':
      throw new Error('This is the id of a dead letter. Press “Find” to show it.');
    case 'fault':
      throw new Error(search.text);
  }
}

/** The id of an address may have been typed, or cut. */
async function linkedOrder(client: Client, id: string): Promise<Found> {
  if (isUuid(id)) return oneOrder(client, id);
  throw new Error(`${quoted(id)} is not the id of an order: ${ID_FORM}. Find the order by its number or account here.`);
}

/** Reads an id that was searched for: it may be that of an operation. */
async function orderOfId(client: Client, id: string): Promise<Found> {
  try {
    return await oneOrder(client, id);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const isOperation = (await viewOfId(client, id)) === 'operation';
  throw new Error(
    isOperation
      ? 'This is the id of an operation. Press “Find” to show it.'
      : 'Order not found. No operation has this id either.',
  );
}

async function oneOrder(client: Client, id: string): Promise<Found> {
  return { items: [await client.get<Order>(`/v1/orders/${id}`)], page: {}, none: '' };
}

/**
 * Finds out what has an id. Orders and operations have ids of the same form, so the order is tried first.
 * @returns `null`: neither, or a service does not answer
 */
async function viewOfId(client: Client, id: string): Promise<'order' | 'operation' | null> {
  try {
    if (await exists(client, `/v1/orders/${id}`)) return 'order';
    return (await exists(client, `/v1/operations/${id}`)) ? 'operation' : null;
  } catch {
    // The view of the search requests it again, and shows the failure.
    return null;
  }
}

async function exists(client: Client, path: string): Promise<boolean> {
  try {
    await client.get(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
