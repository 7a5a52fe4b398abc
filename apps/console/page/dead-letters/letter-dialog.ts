import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { ApiProblem, messageOf } from '../api/problem.js';
import { DialogPart } from '../dialogs/dialog-part.js';
import { hashOf } from '../routing/address.js';
import { figure, moment } from '../text/figures.js';
import { hexDump } from '../text/hex-dump.js';
import type { DeadLetter, RedriveTry } from './dead-letter.js';
import { LETTER_EVENTS } from './letter-events.js';
import { repairOf } from './repair.js';

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
 * letter that is being redriven.
 */
export class LetterDialog extends DialogPart {
  static override properties = {
    ...DialogPart.properties,
    client: { attribute: false },
    letterId: { attribute: false },
    letter: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  /** The letter to show; `null`: the dialog is closed. */
  declare letterId: string | null;
  declare letter: DeadLetter | null;
  declare errorText: string | null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.letterId = null;
    this.letter = null;
    this.errorText = null;
  }

  /** Reads the letter again, after it was redriven or discarded. */
  async reload(): Promise<void> {
    if (this.letterId !== null) await this.load(this.letterId);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('letterId')) return;
    clearTimeout(this.timer);
    this.letter = null;
    this.errorText = null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('letterId')) return;
    if (this.letterId === null) this.close();
    else void Promise.all([this.show(), this.load(this.letterId)]);
  }

  protected override heading(): string {
    return `Dead letter ${this.letterId ?? ''}`;
  }

  protected override content(): TemplateResult {
    const { letter, errorText } = this;
    if (errorText !== null) return html`<p role="alert" class="bad">${errorText}</p>`;
    if (letter === null) return html`<p class="muted">Loading…</p>`;
    return html`${this.summary(letter)} ${this.decodedView(letter)}
      <h4>Raw</h4>
      ${rawView(letter)}`;
  }

  private async load(id: string): Promise<void> {
    try {
      const letter = await this.client.get<DeadLetter>(
        `/v1/dead-letters/records/${id.split('/').map(encodeURIComponent).join('/')}`,
      );
      if (this.letterId !== id) return;
      [this.letter, this.errorText] = [letter, null];
    } catch (error) {
      // An earlier letter's answer must not replace that of the one that is shown now.
      if (this.letterId !== id) return;
      this.errorText = failureText(error);
    }
    clearTimeout(this.timer);
    if (this.letter?.state === 'redriving') this.timer = setTimeout(() => void this.reload(), POLL_MS);
  }

  private summary(letter: DeadLetter): TemplateResult {
    const { id, error, state, operationId, deadLetteredAt, tries } = letter;
    return html`<p><b>${error.code}</b>: ${error.message}</p>
      ${state === 'pending' ? html`<p class="muted">${repairOf(error.code)}</p>` : nothing}
      <dl class="facts">
        <dt>state</dt>
        <dd>${STATES[state]}</dd>
        <dt>operation</dt>
        <dd>
          ${operationId === null ? 'none' : html`<a href=${hashOf({ view: 'operation', id: operationId })}><code>${operationId}</code></a>`}
        </dd>
        <dt>failed</dt>
        <dd>${moment(deadLetteredAt)}</dd>
        ${tries.map((each) => tryView(each))}
      </dl>
      ${
        state === 'pending'
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
      <conflict-comparison .client=${this.client} .refused=${decoded}></conflict-comparison>
      <details>
        <summary>Refused order as JSON</summary>
        ${json}
      </details>`;
  }

  private request(event: string, id: string): void {
    this.dispatchEvent(new CustomEvent(event, { detail: { id }, bubbles: true }));
  }
}

function tryView({ redriveId, at, outcome, endedAt }: RedriveTry): TemplateResult {
  const link = html`<a href=${hashOf({ view: 'operation', id: redriveId })}>redrive</a>`;
  const outcomes = {
    saved: 'its order was saved',
    returned: 'it failed again',
    unmovable: 'it could not be sent',
    missing: 'it was processed, but neither saved nor dead-lettered',
  };
  return html`<dt>redriven</dt>
    <dd>${moment(at)}: ${outcome === null ? 'in progress' : `${outcomes[outcome]}, ${moment(endedAt)}`} (${link})</dd>`;
}

function rawView({ record, gone }: DeadLetter): TemplateResult {
  if (record === null) return html`<p class="bad">${gone === null ? 'The record is not available.' : GONE[gone]}</p>`;
  return html`<dl class="facts">
      <dt>key</dt>
      <dd>${record.key === null ? 'none' : (record.key.text ?? record.key.base64)}</dd>
      ${record.headers.map(
        ({ name, value }) =>
          html`<dt>${name}</dt>
            <dd>${value.text ?? value.base64}</dd>`,
      )}
      <dt>value</dt>
      <dd>${record.value === null ? 'none' : `${figure(record.value.size)} bytes`}</dd>
    </dl>
    ${record.value === null ? nothing : html`<pre tabindex="0" role="region" aria-label="Bytes of the value">${hexDump(record.value.base64)}</pre>`}`;
}

function failureText(error: unknown): string {
  if (!(error instanceof ApiProblem) || (error.status !== 404 && error.status !== 400)) return messageOf(error);
  return 'There is no dead letter with this id. An id has the topic, the partition and the offset, such as orders.v1/3/4711.';
}
