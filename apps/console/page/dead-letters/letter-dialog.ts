import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { figure, moment } from '../text/figures.js';
import { hexDump } from '../text/hex-dump.js';
import type { DeadLetter } from './dead-letter.js';

const GONE = {
  'letter-gone': 'Kafka no longer has this dead letter.',
  'value-gone': 'The value was too large for a dead letter, and Kafka no longer has the original record.',
} as const;

/** Shows one dead letter: its decoded order and its bytes. */
export class LetterDialog extends Part {
  static override properties = { client: { attribute: false }, letter: { state: true }, errorText: { state: true } };
  declare client: Client;
  declare letter: DeadLetter | null;
  declare errorText: string | null;
  /** The letter opened last: answers for an earlier one are ignored. */
  private opened: string | null = null;

  constructor() {
    super();
    this.letter = null;
    this.errorText = null;
  }

  async open(id: string): Promise<void> {
    this.opened = id;
    this.letter = null;
    this.errorText = null;
    this.querySelector('dialog')?.showModal();
    try {
      const letter = await this.client.get<DeadLetter>(`/v1/dead-letters/records/${id}`);
      if (this.opened === id) this.letter = letter;
    } catch (error) {
      if (this.opened === id) this.errorText = messageOf(error);
    }
  }

  protected override render(): TemplateResult {
    return html`<dialog aria-labelledby="letter-title">
      <form method="dialog"><button class="close" aria-label="Close">×</button></form>
      <h3 id="letter-title">Dead letter ${this.letter?.id ?? ''}</h3>
      ${this.letter === null ? html`<p class=${this.errorText === null ? 'muted' : 'bad'}>${this.errorText ?? 'Loading…'}</p>` : letterView(this.letter)}
    </dialog>`;
  }
}

function letterView(letter: DeadLetter): TemplateResult {
  const { error, record, gone, deadLetteredAt, tries } = letter;
  return html`
    <p><b>${error.code}</b>: ${error.message}</p>
    <p class="muted">
      Dead-lettered ${moment(deadLetteredAt)};
      ${tries.length === 0 ? 'never redriven' : `redriven: ${tries.map(({ outcome }) => outcome ?? 'in progress').join(', ')}`}
    </p>
    <h4>Decoded</h4>
    ${decodedView(letter)}
    <h4>Raw</h4>
    ${
      record === null
        ? html`<p class="bad">${gone === null ? 'The record is not available.' : GONE[gone]}</p>`
        : html`
            <dl class="facts">
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
            ${record.value === null ? nothing : html`<pre tabindex="0" role="region" aria-label="Bytes of the value">${hexDump(record.value.base64)}</pre>`}
          `
    }
  `;
}

function decodedView({ decoded, undecodable }: DeadLetter): TemplateResult {
  return html`
    ${undecodable === null ? '' : html`<p class="bad">${undecodable.code}: ${undecodable.message}</p>`}
    ${decoded === null ? html`<p class="muted">The value contains no readable order.</p>` : html`<pre tabindex="0" role="region" aria-label="Decoded order">${JSON.stringify(decoded, null, 2)}</pre>`}
  `;
}
