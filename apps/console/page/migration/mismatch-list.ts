import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { messageOf } from '../client.js';
import { PageElement } from '../page-element.js';
import { hashOf, parseAddress } from '../routing.js';
import { moment, plural } from '../figures.js';
import { alertView } from '../request-state.js';
import { tableView } from '../table-view.js';
import { CAPABILITIES, CAPABILITY_NAMES, type Capability } from './capability.js';
import type { Migration, Mismatch, MismatchPage, Difference } from '#api/facade.js';

const PAGE_SIZE = 10;

/** Lists the newest mismatches. Reads them again whenever the state of the migration counts others. */
export class MismatchList extends PageElement {
  @property({ attribute: false }) migration!: Migration;
  /** Only those of this capability; empty: all. */
  @state() protected capability: Capability | '' = '';
  /** `null`: unknown. */
  @state() protected items: readonly Mismatch[] | null = null;
  /** The cursor of the next page. */
  @state() protected next: string | null = null;
  @state() protected errorText: string | null = null;
  /** The counts and the filter for which the list was read. */
  private readFor = '';

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
      ${alertView(errorText)}
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

/** Shows a mismatch: what was asked for, and on request each field with both values, and both answers. */
function mismatchView(mismatch: Mismatch): TemplateResult {
  const { capability, key, paths, recheck, count, lastAt, legacyRaw, newRaw } = mismatch;
  return html`<details>
    <summary>
      <b>${CAPABILITIES[capability]}</b> <code>${key}</code>: ${paths.map(({ path }) => path).join(', ')}
      <small>
        ${plural(count, 'time')}, last
        ${moment(lastAt)}${recheck === 'passed' ? ', equal when asked again: does not count' : ''}
      </small>
    </summary>
    ${tableView(
      'Both values of each field',
      ['Field', 'Legacy system', 'Target'],
      paths.map((difference) => fieldRow(difference)),
      'comparison',
    )}
    ${orderLink(key)}
    <details>
      <summary>Both answers</summary>
      ${answerView('Answer of the legacy system', legacyRaw)} ${answerView('Answer of the target', newRaw)}
    </details>
  </details>`;
}

/** The row of a field; the characters that differ are marked. */
function fieldRow({ path, legacy, new: other, code, detail }: Difference): TemplateResult {
  const both = legacy !== undefined && other !== undefined ? differenceOf(legacy, other) : undefined;
  const cause = [code, detail].filter((text) => text !== undefined).join(': ');
  return html`<tr>
    <th scope="row">${path}${cause === '' ? nothing : html`<br /><small>${cause}</small>`}</th>
    <td>${both === undefined ? (legacy ?? 'none') : marked(both.start, both.legacy, both.end)}</td>
    <td>${both === undefined ? (other ?? 'none') : marked(both.start, both.new, both.end)}</td>
  </tr>`;
}

function marked(start: string, middle: string, end: string): TemplateResult {
  return html`${start}${middle === '' ? nothing : html`<mark>${middle}</mark>`}${end}`;
}

function orderLink(key: string): TemplateResult | typeof nothing {
  const address = parseAddress(`#orders/${key}`);
  return address === null ? nothing : html`<p><a href=${hashOf(address)}>Show the order of the target</a></p>`;
}

function answerView(name: string, text: string): TemplateResult {
  return html`<h4>${name}</h4>
    <pre tabindex="0" role="region" aria-label=${name}>${text}</pre>`;
}

/** Two texts, split into what they begin with, where they differ, and what they end with. */
interface TextDifference {
  readonly start: string;
  readonly legacy: string;
  readonly new: string;
  readonly end: string;
}

/** Finds the part in which two texts differ: the shortest one that a common start and a common end leave. */
export function differenceOf(legacy: string, other: string): TextDifference {
  const shorter = Math.min(legacy.length, other.length);
  let start = 0;
  while (start < shorter && legacy[start] === other[start]) start += 1;
  let end = 0;
  while (end < shorter - start && legacy.at(-1 - end) === other.at(-1 - end)) end += 1;
  return {
    start: legacy.slice(0, start),
    legacy: legacy.slice(start, legacy.length - end),
    new: other.slice(start, other.length - end),
    end: legacy.slice(legacy.length - end),
  };
}
