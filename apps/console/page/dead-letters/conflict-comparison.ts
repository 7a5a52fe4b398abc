import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { isNotFound, messageOf } from '../api/problem.js';
import type { Order, OrdersPage } from '../orders/order.js';
import { Part } from '../part.js';
import { hashOf } from '../routing/address.js';
import { amount, plural } from '../text/figures.js';
import { compareOrders, type ComparedField } from './order-differences.js';

/** Shows the order that a conflict refused beside the saved order with the same id or number. */
export class ConflictComparison extends Part {
  static override properties = {
    client: { attribute: false },
    refused: { attribute: false },
    saved: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  /** The decoded order of the dead letter. */
  declare refused: Readonly<Record<string, unknown>>;
  /** `undefined`: loading; `null`: there is none. */
  declare saved: Order | null | undefined;
  declare errorText: string | null;

  constructor() {
    super();
    this.errorText = null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('refused')) void this.load(this.refused);
  }

  private async load(refused: typeof this.refused): Promise<void> {
    this.saved = undefined;
    this.errorText = null;
    try {
      const saved = await findSaved(this.client, refused);
      if (this.refused === refused) this.saved = saved;
    } catch (error) {
      if (this.refused === refused) this.errorText = messageOf(error);
    }
  }

  protected override render(): TemplateResult {
    const { saved, refused, errorText } = this;
    if (errorText !== null) return html`<p role="alert" class="bad">The saved order is unknown: ${errorText}</p>`;
    if (saved === undefined) return html`<p class="muted">Loading the saved order…</p>`;
    if (saved === null)
      return html`<p class="muted">No saved order has its id or number now, so a redrive may save it.</p>`;
    const fields = compareOrders(refused, { ...saved });
    const different = fields.filter(({ differs }) => differs);
    return html`<p>
        ${different.length === 0 ? 'No field differs.' : `${plural(different.length, 'field differs', 'fields differ')}: ${different.map(({ name }) => name).join(', ')}.`}
        <a href=${hashOf({ view: 'order', id: saved.id })}>Show the saved order</a>
      </p>
      <div class="scrolls" tabindex="0" role="region" aria-label="The refused and the saved order">
        <table class="comparison">
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Refused</th>
              <th scope="col">Saved</th>
            </tr>
          </thead>
          <tbody>
            ${fields.map((field) => fieldRow(field))}
          </tbody>
        </table>
      </div>`;
  }
}

function fieldRow({ name, refused, saved, differs }: ComparedField): TemplateResult {
  return html`<tr class=${differs ? 'differs' : nothing}>
    <th scope="row">${name}${differs ? html` <small class="warn">differs</small>` : nothing}</th>
    <td>${valueText(refused)}</td>
    <td>${valueText(saved)}</td>
  </tr>`;
}

function valueText(value: string | undefined): string {
  if (value === undefined) return 'none';
  return /^\d+(\.\d+)?$/.test(value) ? amount(value) : value;
}

/** Finds the saved order with the id of the refused one, or else with its number. @throws ApiProblem */
async function findSaved(client: Client, { id, number }: Readonly<Record<string, unknown>>): Promise<Order | null> {
  try {
    return await client.get<Order>(`/v1/orders/${String(id)}`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const { items } = await client.get<OrdersPage>(`/v1/orders/range?from=${String(number)}&to=${String(number)}`);
  return items[0] ?? null;
}
