import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { isNotFound, messageOf } from '../api/problem.js';
import { figure } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';
import { Part } from '../part.js';
import { hashOf, type Address } from '../routing/address.js';
import type { Router } from '../routing/router.js';
import { countText } from './count-text.js';
import { findOrders, type Found, type OrdersAddress } from './find-orders.js';
import { viewOfId } from './id-view.js';
import { ordersTable } from './order-rows.js';
import type { OrderTrace } from './order.js';
import { readSearch } from './search-text.js';

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

  private clear(): void {
    this.found = null;
    this.trace = null;
    this.errorText = null;
    this.isLoading = false;
  }

  private async search(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const find = FormValues.of(event).text('what');
    const search = readSearch(find, Date.now());
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

  private turn(page: string | null, step: 1 | -1): void {
    if (this.address?.view !== 'search' || page === null) return;
    const { find } = this.address;
    const number = this.found?.page.number;
    // A page with a token has no number, so the address keeps it.
    const isNumberless = number !== undefined && page.includes('pageToken=');
    this.router.go({ view: 'search', find, page, ...(isNumberless && { number: number + step }) });
  }

  private async load(address: OrdersAddress): Promise<void> {
    this.isLoading = true;
    try {
      const found = await findOrders(this.client, address, Date.now());
      if (this.address === address) this.found = found;
      if (address.view === 'order') await this.toggle(address.id);
    } catch (error) {
      if (this.address === address) this.errorText = failureText(error);
    } finally {
      if (this.address === address) this.isLoading = false;
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

function failureText(error: unknown): string {
  return isNotFound(error) ? 'Order not found.' : messageOf(error);
}
