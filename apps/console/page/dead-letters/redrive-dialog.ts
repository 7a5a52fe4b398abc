import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { plural } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';
import { selectionText, type RedrivePlan, type Selection } from './dead-letter.js';

/** Redrives dead letters, after a dry run that shows how many it would send. */
export class RedriveDialog extends Part {
  static override properties = {
    client: { attribute: false },
    selection: { state: true },
    plan: { state: true },
    errorText: { state: true },
    isSending: { state: true },
  };
  declare client: Client;
  declare selection: Selection | null;
  declare plan: RedrivePlan | null;
  declare errorText: string | null;
  declare isSending: boolean;
  /** The dry run requested last: answers to an earlier one are ignored. */
  private latestDryRun: symbol | undefined;

  constructor() {
    super();
    this.selection = null;
    this.plan = null;
    this.errorText = null;
    this.isSending = false;
  }

  async open(selection: Selection): Promise<void> {
    this.selection = selection;
    this.errorText = null;
    await this.updateComplete;
    this.querySelector('dialog')?.showModal();
    await this.dryRun();
  }

  protected override render(): TemplateResult {
    const { selection, plan } = this;
    return html`<dialog aria-labelledby="redrive-title">
      <form method="dialog"><button class="close" aria-label="Close">×</button></form>
      <h3 id="redrive-title">Redrive ${selection === null ? '' : selectionText(selection)}</h3>
      <p class="muted">
        Fix the cause first: otherwise the records fail again and become dead letters again. Each record is sent to the
        orders topic again, after the other records of its key.
      </p>
      <form class="fields" @submit=${(event: SubmitEvent) => void this.send(event)} @change=${() => void this.dryRun()}>
        <label>At most <input name="limit" type="number" min="1" step="1" placeholder="all" /></label>
        <label
          >Rate per second <input name="ratePerSecond" type="number" min="0.1" step="any" placeholder="unlimited"
        /></label>
        <label
          >Maximum redrives per letter
          <input name="maxRedrives" type="number" min="1" max="100" step="1" value="5" required
        /></label>
        <p aria-live="polite" class="whole">${plan === null ? 'Counting the letters…' : planText(plan)}</p>
        <button class="main" ?disabled=${this.isSending || plan?.letters === 0}>
          Redrive${plan === null ? '' : ` ${plural(plan.letters, 'letter')}`}
        </button>
      </form>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
    </dialog>`;
  }

  private request(): object {
    const values = new FormValues(this.querySelector<HTMLFormElement>('form.fields'));
    return {
      ...this.selection,
      limit: values.number('limit'),
      ratePerSecond: values.number('ratePerSecond'),
      maxRedrives: values.number('maxRedrives'),
    };
  }

  private async dryRun(): Promise<void> {
    const dryRun = Symbol('dry run');
    this.latestDryRun = dryRun;
    this.plan = null;
    await this.attempt(
      () => this.latestDryRun === dryRun,
      async () => this.client.post<RedrivePlan>('/v1/dead-letters/redrive', { ...this.request(), dryRun: true }),
      (plan) => (this.plan = plan),
    );
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const { selection } = this;
    this.isSending = true;
    await this.attempt(
      () => this.selection === selection,
      async () => this.client.post('/v1/dead-letters/redrive', this.request()),
      () => this.querySelector('dialog')?.close(),
    );
    this.isSending = false;
    this.dispatchEvent(new Event('sent'));
  }

  /** Ignores the answer when a newer request has replaced this one. */
  private async attempt<T>(
    isCurrent: () => boolean,
    request: () => Promise<T>,
    take: (answer: T) => void,
  ): Promise<void> {
    try {
      const answer = await request();
      if (!isCurrent()) return;
      take(answer);
      this.errorText = null;
    } catch (error) {
      if (isCurrent()) this.errorText = messageOf(error);
    }
  }
}

function planText({ letters, spent, errors }: RedrivePlan): string {
  const reasons = errors.map(({ errorCode, count }) => `${count} ${errorCode}`).join(', ');
  const left = spent > 0 ? ` ${plural(spent, 'letter')} skipped: redriven that often already.` : '';
  return letters === 0
    ? `Nothing would be sent.${left}`
    : `${plural(letters, 'letter')} would be sent: ${reasons}.${left}`;
}
