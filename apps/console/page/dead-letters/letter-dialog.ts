import type { DeadLetter, RecordBytes } from '#api/producer.js';
import type { Order, OrderPage } from '#api/query-api.js';
import { Task } from '@lit/task';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { ApiProblem, messageOf, isNotFound, type Client } from '../client.js';
import { DialogElement } from '../confirm-dialog.js';
import { hashOf, operationLink } from '../routing.js';
import { figure, amount, plural } from '../figures.js';
import { PageElement } from '../page-element.js';
import { Polling } from '../polling.js';
import { alertView } from '../request-state.js';
import { letterStory } from '../orders/order-story.js';
import { factsView, tableView } from '../table-view.js';
import { timeLineView } from '../time-line.js';
import { LETTER_EVENTS, repairOf } from './dead-letter.js';

const POLL_MS = 1_000;

const GONE = {
  'letter-gone': 'Kafka no longer has this dead letter.',
  'value-gone': 'The value was too large for a dead letter, and Kafka no longer has the original record.',
} as const;

const STATES = {
  pending: 'pending',
  redriving: 'being redriven',
  saved: 'saved by a redrive',
  discarded: 'discarded',
} as const;

/**
 * Shows one dead letter: why it failed, its history, its decoded order and its bytes. For a conflict also the saved order. It follows a
 * dead letter that is being redriven.
 */
export class LetterDialog extends DialogElement {
  /** The dead letter to show; `null`: the dialog is closed. */
  @property({ attribute: false }) letterId: string | null = null;
  @state() letter: DeadLetter | null = null;
  @state() errorText: string | null = null;
  private readonly polling = new Polling({
    read: async () =>
      this.client.get<DeadLetter>(
        `/v1/dead-letters/records/${this.letterId?.split('/').map(encodeURIComponent).join('/')}`,
      ),
    show: (letter) => this.shown({ letter, errorText: null }),
    fail: (error) => this.shown({ errorText: failureText(error) }),
  });

  /** Reads the dead letter again, after it was redriven or discarded. */
  async reload(): Promise<void> {
    if (this.letterId !== null) await this.polling.refresh();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('letterId')) return;
    this.polling.drop();
    Object.assign(this, { letter: null, errorText: null });
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('letterId')) return;
    if (this.letterId === null) this.close();
    else {
      void this.show();
      this.polling.start();
    }
  }

  protected override heading(): string {
    return `Dead letter ${this.letterId ?? ''}`;
  }

  protected override content(): TemplateResult {
    const { letter, errorText } = this;
    if (errorText !== null) return html`${alertView(errorText)}`;
    if (letter === null) return html`<p class="muted">Loading…</p>`;
    return html`${this.summary(letter)} ${this.decodedView(letter)}
      <h4>Raw</h4>
      ${rawView(letter)}`;
  }

  /** A dead letter that is being redriven is followed until the redrive has ended. */
  private shown(changes: Partial<LetterDialog>): number | null {
    Object.assign(this, changes);
    return this.letter?.state === 'redriving' ? POLL_MS : null;
  }

  private summary(letter: DeadLetter): TemplateResult {
    const { id, error, operationId } = letter;
    return html`<p><b>${error.code}</b>: ${error.message}</p>
      ${letter.state === 'pending' ? html`<p class="muted">${repairOf(error.code)}</p>` : nothing}
      ${factsView([
        ['state', STATES[letter.state]],
        ['operation', operationId === null ? 'none' : operationLink(operationId)],
      ])}
      ${timeLineView('Time line of the dead letter', letterStory(letter))}
      ${
        letter.state === 'pending'
          ? html`<div class="row">
              <button @click=${() => this.request(LETTER_EVENTS.redrive, id)}>Redrive…</button>
              <button @click=${() => this.request(LETTER_EVENTS.discard, id)}>Discard…</button>
            </div>`
          : nothing
      }`;
  }

  private decodedView({ error, decoded, undecodable }: DeadLetter): TemplateResult {
    const fault = undecodable === null ? nothing : html`<p class="bad">${undecodable.code}: ${undecodable.message}</p>`;
    const json = html`<pre tabindex="0" role="region" aria-label="Decoded order">
${JSON.stringify(decoded, null, 2)}</pre>`;
    if (decoded === null)
      return html`<h4>Decoded</h4>
        ${fault}
        <p class="muted">The value contains no readable order.</p>`;
    if (error.code !== 'conflict')
      return html`<h4>Decoded</h4>
        ${fault} ${json}`;
    return html`<h4>Refused and saved order</h4>
      ${fault}
      <conflict-comparison .refused=${decoded}></conflict-comparison>
      <details>
        <summary>Refused order as JSON</summary>
        ${json}
      </details>`;
  }

  private request(event: string, id: string): void {
    this.dispatchEvent(new CustomEvent(event, { detail: { id }, bubbles: true }));
  }
}

function rawView({ record, gone }: DeadLetter): TemplateResult {
  if (record === null) return html`<p class="bad">${gone === null ? 'The record is not available.' : GONE[gone]}</p>`;
  return html`${factsView([
    ['key', record.key === null ? 'none' : bytesText(record.key)],
    ...record.headers.map(({ name, value }) => [name, bytesText(value)] as const),
    ['value', record.value === null ? 'none' : `${figure(record.value.size)} bytes`],
  ])}
  ${record.value === null ? nothing : html`<pre tabindex="0" role="region" aria-label="Bytes of the value">${hexDump(record.value.base64)}</pre>`}`;
}

function bytesText({ text, base64 }: RecordBytes): string {
  return text ?? base64;
}

function failureText(error: unknown): string {
  if (!(error instanceof ApiProblem) || (error.status !== 404 && error.status !== 400)) return messageOf(error);
  return 'There is no dead letter with this id. An id has the topic, the partition and the offset, such as orders.v1/3/4711.';
}

const WIDTH = 16;

/** Formats bytes as offset, hexadecimal and text, 16 bytes per line. */
export function hexDump(base64: string, maxBytes = 1_024): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).subarray(0, maxBytes);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(WIDTH * 3)} ${text}`);
  }
  return lines.join('\n');
}

/** Shows the order that a conflict refused beside the saved order with the same id or number. */
export class ConflictComparison extends PageElement {
  /** The decoded order of the dead letter. */
  @property({ attribute: false }) refused!: Readonly<Record<string, unknown>>;
  private readonly saved = new Task(this, {
    args: () => [this.refused] as const,
    task: async ([refused]) => findSaved(this.client, refused),
  });

  protected override render(): TemplateResult | typeof nothing | undefined {
    return this.saved.render({
      pending: () => html`<p class="muted">Loading the saved order…</p>`,
      error: (error) => alertView(`The saved order is unknown: ${messageOf(error)}`),
      complete: (saved) => this.comparison(saved),
    });
  }

  private comparison(saved: Order | null): TemplateResult {
    const { refused } = this;
    if (saved === null)
      return html`<p class="muted">No saved order has its id or number now, so a redrive may save it.</p>`;
    const fields = compareOrders(refused, { ...saved });
    const different = fields.filter(({ differs }) => differs);
    return html`<p>
        ${different.length === 0 ? 'No field differs.' : `${plural(different.length, 'field differs', 'fields differ')}: ${different.map(({ name }) => name).join(', ')}.`}
        <a href=${hashOf({ view: 'order', id: saved.id })}>Show the saved order</a>
      </p>
      ${tableView(
        'The refused and the saved order',
        ['Field', 'Refused', 'Saved'],
        fields.map((field) => fieldRow(field)),
        'comparison',
      )}`;
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
  const { items } = await client.get<OrderPage>(`/v1/orders/range?from=${String(number)}&to=${String(number)}`);
  return items[0] ?? null;
}

/** A field of two orders. A field that one of them lacks is `undefined`. */
interface ComparedField {
  readonly name: string;
  readonly refused: string | undefined;
  readonly saved: string | undefined;
  readonly differs: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Compares a refused order with the saved one, field by field, in the order of the saved one. */
export function compareOrders(refused: Fields, saved: Fields): readonly ComparedField[] {
  const names = new Set([...Object.keys(saved), ...Object.keys(refused)]);
  return [...names].map((name) => {
    const [left, right] = [toText(refused[name]), toText(saved[name])];
    return { name, refused: left, saved: right, differs: left !== right };
  });
}

function toText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
