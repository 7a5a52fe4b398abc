import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { figure } from '../text/figures.js';
import { findingText, type Finding } from './finding-text.js';

const SHOWN = 20;

/** Lists the first things that a backfill or a verify has found. Reads them again when there are more. */
export class RunFindings extends Part {
  static override properties = {
    client: { attribute: false },
    path: {},
    count: { type: Number },
    items: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  /** The path of the list. */
  declare path: string;
  /** How many there are. */
  declare count: number;
  declare protected items: readonly Finding[];
  declare protected errorText: string | null;

  constructor() {
    super();
    this.items = [];
    this.errorText = null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    const isMore = changed.has('count') && this.items.length < SHOWN;
    if (changed.has('path') || isMore) void this.load(this.path);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { items, count, errorText } = this;
    if (errorText !== null) return html`<p role="alert" class="bad">${errorText}</p>`;
    if (items.length === 0) return nothing;
    return html`<ul class="plain">
        ${items.map((item) => html`<li>${findingText(item)}</li>`)}
      </ul>
      ${count > items.length ? html`<p class="muted">The first ${figure(items.length)} of ${figure(count)}.</p>` : nothing}`;
  }

  private async load(path: string): Promise<void> {
    try {
      const { items } = await this.client.get<{ items: Finding[] }>(`${path}?limit=${SHOWN}`);
      if (this.path !== path) return;
      [this.items, this.errorText] = [items, null];
    } catch (error) {
      if (this.path === path) this.errorText = messageOf(error);
    }
  }
}
