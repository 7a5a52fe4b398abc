import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { FormValues } from '../text/form-values.js';
import type { Operation } from './operation.js';
import type { Operations } from './operations.js';

/** Requests generated orders from the producer. */
export class PopulateForm extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    errorText: { state: true },
    isSending: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare errorText: string | null;
  declare isSending: boolean;
  /** Idempotency key, kept until the form changes or a request succeeds: a retry after a lost answer creates no second operation. */
  private key = crypto.randomUUID();

  constructor() {
    super();
    this.errorText = null;
    this.isSending = false;
  }

  protected override render(): TemplateResult {
    return html`<form
      class="fields"
      @submit=${(event: SubmitEvent) => void this.send(event)}
      @input=${() => this.renew()}
    >
      <label>Orders <input name="count" type="number" required min="1" max="10000000" step="1" value="100000" /></label>
      <label>Seed <input name="seed" type="number" min="0" step="1" placeholder="random" /></label>
      <label
        >Rate per second <input name="ratePerSecond" type="number" min="0.1" step="any" placeholder="unlimited"
      /></label>
      <label
        >Poison, %
        <input
          name="poison"
          type="number"
          min="0"
          max="100"
          step="any"
          placeholder="0"
          title="Share of records that cannot be decoded. They replace orders and become dead letters."
      /></label>
      <button class="main" ?disabled=${this.isSending}>Populate</button>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
    </form>`;
  }

  private renew(): void {
    this.key = crypto.randomUUID();
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const values = FormValues.of(event);
    const poison = values.number('poison');
    this.isSending = true;
    try {
      await this.client.post<Operation>(
        '/v1/populate',
        {
          count: values.number('count'),
          seed: values.number('seed'),
          ratePerSecond: values.number('ratePerSecond'),
          ...(poison !== undefined && poison > 0 && { faults: { poison: poison / 100 } }),
        },
        { 'idempotency-key': this.key },
      );
      this.errorText = null;
      this.renew();
      await this.operations.refresh();
    } catch (error) {
      this.errorText = messageOf(error);
    } finally {
      this.isSending = false;
    }
  }
}
