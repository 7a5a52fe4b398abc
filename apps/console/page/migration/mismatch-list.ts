import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { CAPABILITIES, CAPABILITY_NAMES, type Capability } from './capability.js';
import type { Migration, Mismatch, MismatchPage } from './facade-api.js';
import { mismatchView } from './mismatch-view.js';

const PAGE_SIZE = 10;

/** Lists the newest mismatches. Reads them again whenever the state of the migration counts others. */
export class MismatchList extends Part {
  static override properties = {
    client: { attribute: false },
    migration: { attribute: false },
    capability: { state: true },
    items: { state: true },
    next: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  declare migration: Migration;
  /** Only those of this capability; empty: all. */
  declare protected capability: Capability | '';
  /** `null`: unknown. */
  declare protected items: readonly Mismatch[] | null;
  /** The cursor of the next page. */
  declare protected next: string | null;
  declare protected errorText: string | null;
  /** The counts and the filter for which the list was read. */
  private readFor = '';

  constructor() {
    super();
    this.capability = '';
    this.items = null;
    this.next = null;
    this.errorText = null;
  }

  protected override updated(_changed: PropertyValues<this>): void {
    const counts = CAPABILITY_NAMES.map((name) => {
      const { version, mismatches } = this.migration.capabilities[name];
      return `${version}/${mismatches}`;
    });
    const wanted = `${this.capability} ${counts.join(' ')}`;
    if (wanted === this.readFor) return;
    this.readFor = wanted;
    void this.load();
  }

  protected override render(): TemplateResult {
    const { items, errorText, next } = this;
    return html`<div class="fields">
        <label
          >Capability
          <select @change=${(event: Event) => this.filter(event)}>
            <option value="">all</option>
            ${CAPABILITY_NAMES.map((name) => html`<option value=${name}>${CAPABILITIES[name]}</option>`)}
          </select>
        </label>
      </div>
      ${errorText === null ? nothing : html`<p role="alert" class="bad">${errorText}</p>`}
      ${items?.length === 0 ? html`<p class="muted">No mismatches. Answers are compared in shadow and live.</p>` : nothing}
      <ul class="mismatches">
        ${repeat(
          items ?? [],
          ({ id }) => id,
          (mismatch) => html`<li>${mismatchView(mismatch)}</li>`,
        )}
      </ul>
      ${next === null ? nothing : html`<button @click=${() => void this.load(next)}>Show older mismatches</button>`}`;
  }

  private filter(event: Event): void {
    this.capability = (event.target as HTMLSelectElement).value as Capability | '';
    this.items = null;
  }

  /** Reads the newest page, or the one after a cursor. An answer for other counts or another filter is ignored. */
  private async load(after?: string): Promise<void> {
    const { readFor, capability } = this;
    const query = new URLSearchParams({
      pageSize: `${PAGE_SIZE}`,
      ...(capability !== '' && { capability }),
      ...(after !== undefined && { after }),
    });
    try {
      const page = await this.client.get<MismatchPage>(`/v1/migration/mismatches?${query}`);
      if (this.readFor !== readFor) return;
      this.items = after === undefined ? page.items : [...(this.items ?? []), ...page.items];
      this.next = page.next;
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
      // The next state tries again.
      if (this.readFor === readFor) this.readFor = '';
    }
  }
}
