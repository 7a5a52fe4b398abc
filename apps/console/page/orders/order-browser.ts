import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { isNotFound, messageOf } from '../api/problem.js';
import { FormValues } from '../text/form-values.js';
import { Part } from '../part.js';
import { hashOf, type Address } from '../routing/address.js';
import type { Router } from '../routing/router.js';
import { countText } from './count-text.js';
import { viewOfId } from './id-view.js';
import { ordersTable } from './order-rows.js';
import type { Order, OrdersPage, OrderTrace } from './order.js';
import { readSearch } from './search-text.js';

type OrdersAddress = Extract<Address, { view: 'search' | 'order' }>;

/** What a search found, and the sentence for nothing. */
interface Found extends OrdersPage {
  readonly none: string;
}

/** Finds orders by what is typed, operations and dead letters by their id, and shows the trace of each order. */
export class OrderBrowser extends Part {
  static override properties = {
    client: { attribute: false },
    router: { attribute: false },
    address: { attribute: false },
    found: { state: true },
    trace: { state: true },
    errorText: { state: true },
    isLoading: { state: true },
  };
  declare client: Client;
  declare router: Router;
  /** The order or the search to show; `null`: none. */
  declare address: OrdersAddress | null;
  declare found: Found | null;
  declare trace: OrderTrace | null;
  declare errorText: string | null;
  declare isLoading: boolean;

  constructor() {
    super();
    this.address = null;
    this.clear();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('address')) this.clear();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('address')) return;
    const input = this.querySelector('input');
    if (input !== null) input.value = textOf(this.address);
    if (this.address !== null) void this.load(this.address);
  }

  protected override render(): TemplateResult {
    const { address, found, errorText, isLoading } = this;
    const isFurtherPage = address?.view === 'search' && address.page !== null;
    return html`
      <form class="fields" role="search" novalidate @submit=${(event: SubmitEvent) => void this.search(event)}>
        <label class="wide">
          Id, number, from..to, day (UTC), account or symbol
          <input name="what" placeholder="empty: first page" autocomplete="off" spellcheck="false" />
        </label>
        <button class="main">Find</button>
      </form>
      ${errorText === null ? nothing : html`<p role="alert" class="bad">${errorText}</p>`}
      ${errorText !== null && isFurtherPage ? html`<p><a href=${hashOf({ ...address, page: null })}>Show the first page</a></p>` : nothing}
      ${isLoading ? html`<p class="muted" role="status">Searching…</p>` : nothing}
      ${found === null ? nothing : this.pageView(found)}
    `;
  }

  private pageView({ items, page, none }: Found): TemplateResult {
    if (items.length === 0) return html`<p class="muted" role="status">${none}</p>`;
    const pageButton = (name: string, path: string | undefined): TemplateResult =>
      html`<button ?disabled=${path === undefined} @click=${() => this.turn(path ?? null)}>${name}</button>`;
    const isOnly = page.next === undefined && page.prev === undefined;
    return html`<p class="hidden" role="status">${countText(items.length, page)}</p>
      ${ordersTable(items, this.trace, (id) => void this.toggle(id))}
      ${
        isOnly
          ? nothing
          : html`<div class="row">
              ${pageButton('Previous', page.prev)} ${pageButton('Next', page.next)}
              ${page.number === undefined ? nothing : html`<span class="muted">page ${page.number}</span>`}
            </div>`
      }`;
  }

  private clear(): void {
    this.found = null;
    this.trace = null;
    this.errorText = null;
    this.isLoading = false;
  }

  private async search(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const find = FormValues.of(event).text('what');
    const search = readSearch(find);
    if (search.kind === 'letter') this.router.go({ view: 'letter', id: search.id });
    else if (search.kind === 'id') await this.findId(search.id);
    // A text that can't be right gets its address too, and the page below it says why.
    else this.show({ view: 'search', find, page: null });
  }

  private async findId(id: string): Promise<void> {
    this.clear();
    this.isLoading = true;
    const view = await viewOfId(this.client, id);
    this.isLoading = false;
    if (view === 'operation') this.router.go({ view, id });
    else this.show(view === 'order' ? { view, id } : { view: 'search', find: id, page: null });
  }

  /** The same search again shows what is saved by now. */
  private show(address: OrdersAddress): void {
    if (this.address !== null && hashOf(address) === hashOf(this.address)) this.address = address;
    else this.router.go(address);
  }

  private turn(page: string | null): void {
    if (this.address?.view === 'search' && page !== null) this.router.go({ ...this.address, page });
  }

  private async load(address: OrdersAddress): Promise<void> {
    this.isLoading = true;
    try {
      const found = address.view === 'order' ? await this.one(address.id) : await this.page(address.find, address.page);
      if (this.address === address) this.found = found;
      if (address.view === 'order') await this.toggle(address.id);
    } catch (error) {
      if (this.address === address) this.errorText = failureText(error);
    } finally {
      if (this.address === address) this.isLoading = false;
    }
  }

  private async one(id: string): Promise<Found> {
    return { items: [await this.client.get<Order>(`/v1/orders/${id}`)], page: {}, none: '' };
  }

  /** Reads an id that was searched for: it may be that of an operation. */
  private async byId(id: string): Promise<Found> {
    try {
      return await this.one(id);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    const isOperation = (await viewOfId(this.client, id)) === 'operation';
    throw new Error(
      isOperation
        ? 'This is the id of an operation. Press “Find” to show it.'
        : 'Order not found. No operation has this id either.',
    );
  }

  private async page(find: string, page: string | null): Promise<Found> {
    const search = readSearch(find);
    switch (search.kind) {
      case 'orders':
        return { ...(await this.client.get<OrdersPage>(page ?? search.path)), none: search.none };
      case 'id':
        return this.byId(search.id);
      case 'letter':
        throw new Error('This is the id of a dead letter. Press “Find” to show it.');
      case 'fault':
        throw new Error(search.text);
    }
  }

  private async toggle(id: string): Promise<void> {
    if (this.trace?.id === id) {
      this.trace = null;
      return;
    }
    try {
      this.trace = await this.client.get<OrderTrace>(`/v1/orders/${id}/trace`);
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }
}

function textOf(address: OrdersAddress | null): string {
  if (address === null) return '';
  return address.view === 'search' ? address.find : address.id;
}

function failureText(error: unknown): string {
  return isNotFound(error) ? 'Order not found.' : messageOf(error);
}
