import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { plural } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';
import { selectionText, type RedrivePlan, type Selection } from './dead-letter.js';

/** Sends dead letters again, after having said what that would be. */
export class RedriveDialog extends Part {
  static override properties = {
    client: { attribute: false },
    selection: { state: true },
    plan: { state: true },
    refusal: { state: true },
    isSending: { state: true },
  };
  declare client: Client;
  declare selection: Selection | null;
  declare plan: RedrivePlan | null;
  declare refusal: string | null;
  declare isSending: boolean;
  /** Something else may have been asked before an answer comes. */
  private lastLook: symbol | undefined;

  constructor() {
    super();
    this.selection = null;
    this.plan = null;
    this.refusal = null;
    this.isSending = false;
  }

  async open(selection: Selection): Promise<void> {
    this.selection = selection;
    this.refusal = null;
    await this.updateComplete;
    this.querySelector('dialog')?.showModal();
    await this.look();
  }

  protected override render(): TemplateResult {
    const { selection, plan } = this;
    return html`<dialog aria-labelledby="redrive-title">
      <form method="dialog"><button class="close" aria-label="Close">×</button></form>
      <h3 id="redrive-title">Redrive ${selection === null ? '' : selectionText(selection)}</h3>
      <p class="muted">
        Repair the cause first: a record that is as it was fails as it did, and comes back. Each is sent to the topic of
        the orders again, behind the others of its key.
      </p>
      <form class="fields" @submit=${(event: SubmitEvent) => void this.send(event)} @change=${() => void this.look()}>
        <label>At most <input name="limit" type="number" min="1" step="1" placeholder="all" /></label>
        <label
          >Rate per second
          <input name="ratePerSecond" type="number" min="0.1" step="any" placeholder="as fast as it goes"
        /></label>
        <label
          >Times each may go in all
          <input name="maxRedrives" type="number" min="1" max="100" step="1" value="5" required
        /></label>
        <p aria-live="polite" class="whole">${plan === null ? 'Looking what would be sent…' : planText(plan)}</p>
        <button class="main" ?disabled=${this.isSending || plan?.letters === 0}>
          Redrive${plan === null ? '' : ` ${plural(plan.letters, 'letter')}`}
        </button>
      </form>
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
    </dialog>`;
  }

  private request(): object {
    const given = new FormValues(this.querySelector<HTMLFormElement>('form.fields'));
    return {
      ...this.selection,
      limit: given.number('limit'),
      ratePerSecond: given.number('ratePerSecond'),
      maxRedrives: given.number('maxRedrives'),
    };
  }

  private async look(): Promise<void> {
    const look = Symbol('look');
    this.lastLook = look;
    this.plan = null;
    await this.tried(
      () => this.lastLook === look,
      async () => this.client.post<RedrivePlan>('/v1/dead-letters/redrive', { ...this.request(), dryRun: true }),
      (plan) => (this.plan = plan),
    );
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const { selection } = this;
    this.isSending = true;
    await this.tried(
      () => this.selection === selection,
      async () => this.client.post('/v1/dead-letters/redrive', this.request()),
      () => this.querySelector('dialog')?.close(),
    );
    this.isSending = false;
    this.dispatchEvent(new Event('sent'));
  }

  /** What comes when something else is asked already changes nothing that is seen. */
  private async tried<T>(isStillAsked: () => boolean, ask: () => Promise<T>, take: (answer: T) => void): Promise<void> {
    try {
      const answer = await ask();
      if (!isStillAsked()) return;
      take(answer);
      this.refusal = null;
    } catch (error) {
      if (isStillAsked()) this.refusal = messageOf(error);
    }
  }
}

function planText({ letters, spent, errors }: RedrivePlan): string {
  const reasons = errors.map(({ errorCode, count }) => `${count} ${errorCode}`).join(', ');
  const left = spent > 0 ? ` ${plural(spent, 'letter')} left alone: redriven that often already.` : '';
  return letters === 0
    ? `Nothing would be sent.${left}`
    : `${plural(letters, 'letter')} would be sent: ${reasons}.${left}`;
}
