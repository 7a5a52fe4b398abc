import type { Operation } from '#api/producer.js';
import { html, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { ApiProblem, messageOf } from '../client.js';
import { submitNumbers } from '../form-fields.js';
import { PageElement } from '../page-element.js';
import { RequestState } from '../request-state.js';

/** The deliberate faults of test orders, with the field's label and what becomes of such a record. */
const FAULTS = [
  ['poison', 'Poison, %', 'Share of records that cannot be decoded. They replace orders and become dead letters.'],
  ['oversized', 'Oversized, %', 'Share of records above the size limit. They replace orders and become dead letters.'],
  [
    'conflict',
    'Conflicts, %',
    'Share of orders followed by another one with the same id. The extra ones become dead letters.',
  ],
  ['duplicate', 'Duplicates, %', 'Share of orders that are sent twice. The second ones change nothing.'],
] as const;

/** Requests generated orders from the producer. */
export class PopulateForm extends PageElement {
  @property({ attribute: false }) allowsFaults = false;
  private readonly request = new RequestState(this, failureText);
  /** Idempotency key, kept until the form changes or a request succeeds: a retry after a lost answer creates no second operation. */
  private key = crypto.randomUUID();

  protected override render(): TemplateResult {
    return html`<form
      class="fields"
      novalidate
      @submit=${(event: SubmitEvent) => void this.send(event)}
      @input=${() => this.renew()}
    >
      <number-field label="Orders" name="count" required whole min="1" max="10000000" value="100,000"></number-field>
      <number-field
        label="Seed"
        name="seed"
        whole
        min="0"
        max=${Number.MAX_SAFE_INTEGER}
        placeholder="random"
        hint="The same seed generates the same accounts, symbols, prices and quantities."
      ></number-field>
      <number-field
        label="Rate per second"
        name="ratePerSecond"
        min="0.1"
        max="10000000"
        placeholder="unlimited"
      ></number-field>
      <button class="main" ?disabled=${this.request.isRunning}>Generate</button>
      <details class="whole">
        <summary>Faulty records, to test dead letters</summary>
        ${this.allowsFaults ? faultFields() : FAULTS_OFF}
      </details>
      ${this.request.failureView()}
    </form>`;
  }

  private renew(): void {
    this.key = crypto.randomUUID();
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const values = submitNumbers(this);
    if (values === null) return;
    await this.request.run(async () => {
      await this.client.post<Operation>('/v1/populate', toPopulateRequest(values), { 'idempotency-key': this.key });
      this.renew();
      await this.operations.polling.refresh();
    });
  }
}

const FAULTS_OFF = html`<p class="muted">
  Off here. They need <code>ALLOW_FAULT_INJECTION=true</code> at the producer and the console, and with tokens the scope
  <code>faults:inject</code>.
</p>`;

function faultFields(): TemplateResult {
  return html`<p class="muted">
      Shares in per cent. The API and the command line take fractions: 1 % here is 0.01 there.
    </p>
    <div class="fields">
      ${FAULTS.map(
        ([name, label, hint]) =>
          html`<number-field
            label=${label}
            name=${name}
            min="0"
            max="100"
            placeholder="0"
            hint=${hint}
          ></number-field>`,
      )}
    </div>`;
}

/** Without an answer, the operation may have started. The idempotency key makes it safe to send the request again. */
function failureText(error: unknown): string {
  const isUnknown = !(error instanceof ApiProblem) || error.status === 0 || error.status >= 500;
  const text = messageOf(error);
  return isUnknown ? `${text} Press “Generate” again: the same orders are never generated twice.` : text;
}

const PERCENT = 100;

/** Converts the values of the form to the body of `POST /v1/populate`. The fields for faults are in percent, the request has fractions. */
export function toPopulateRequest(values: Readonly<Record<string, number>>): object {
  const { count, seed, ratePerSecond, ...percents } = values;
  const faults = Object.entries(percents).flatMap(([name, percent]) =>
    percent > 0 ? [[name, percent / PERCENT]] : [],
  );
  return { count, seed, ratePerSecond, ...(faults.length > 0 && { faults: Object.fromEntries(faults) as object }) };
}
