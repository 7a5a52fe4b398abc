import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { FormValues } from '../text/form-values.js';
import type { Operation } from './operation.js';
import type { Operations } from './operations.js';

/** Asks the producer for fake orders. */
export class PopulateForm extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    refusal: { state: true },
    isSending: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare refusal: string | null;
  declare isSending: boolean;
  /** One for each request that a person means: sent again after a broken answer it makes no second operation. */
  private key = crypto.randomUUID();

  constructor() {
    super();
    this.refusal = null;
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
        >Rate per second
        <input name="ratePerSecond" type="number" min="0.1" step="any" placeholder="as fast as it goes"
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
          title="Records that can not be decoded, in the place of orders: they become dead letters"
      /></label>
      <button class="main" ?disabled=${this.isSending}>Populate</button>
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
    </form>`;
  }

  private renew(): void {
    this.key = crypto.randomUUID();
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const given = FormValues.of(event);
    const poison = given.number('poison');
    this.isSending = true;
    try {
      await this.client.post<Operation>(
        '/v1/populate',
        {
          count: given.number('count'),
          seed: given.number('seed'),
          ratePerSecond: given.number('ratePerSecond'),
          ...(poison !== undefined && poison > 0 && { faults: { poison: poison / 100 } }),
        },
        { 'idempotency-key': this.key },
      );
      this.refusal = null;
      this.renew();
      await this.operations.refresh();
    } catch (error) {
      this.refusal = messageOf(error);
    } finally {
      this.isSending = false;
    }
  }
}
