import type { Operation, RedrivePlan } from '#api/producer.js';
import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { DialogElement } from '../confirm-dialog.js';
import { readNumbers, submitNumbers, validNumbers } from '../form-fields.js';
import { plural } from '../figures.js';
import { RequestState } from '../request-state.js';
import { selectionText, repairOf, type Selection } from './dead-letter.js';

/** Redrives dead letters, after a dry run that shows how many it would send. Then a `sent` event has the operation's id. */
export class RedriveDialog extends DialogElement {
  @state() selection: Selection | null = null;
  /** A field is wrong, so that nothing can be counted. */
  @state() isWrong = false;
  /** The numbers that were counted last, as JSON: the same ones are not counted again. */
  private counted: string | undefined;
  private readonly counting = new RequestState<RedrivePlan>(this);
  private readonly sending = new RequestState(this);

  async open(selection: Selection): Promise<void> {
    this.selection = selection;
    this.counted = undefined;
    this.counting.forget();
    this.sending.forget();
    await this.show();
    await this.count(readNumbers(this));
  }

  protected override heading(): string {
    return `Redrive ${this.selection === null ? '' : selectionText(this.selection)}`;
  }

  protected override content(): TemplateResult {
    const { isWrong, selection } = this;
    const plan = this.counting.answer;
    const counting = isWrong
      ? 'Correct the field first, then the dead letters are counted.'
      : 'Counting the dead letters…';
    return html`${adviceOn(selection, plan)}
      <p class="muted">Each record is sent to the orders topic again, after the other records of its key.</p>
      <form
        class="fields"
        novalidate
        @submit=${(event: SubmitEvent) => void this.send(event)}
        @input=${() => this.typed()}
        @change=${() => void this.count(readNumbers(this))}
      >
        ${selection !== null && 'id' in selection ? nothing : limitFields()}
        <number-field
          label="Maximum redrives per dead letter"
          name="maxRedrives"
          required
          whole
          min="1"
          max="100"
          value="5"
          hint="Dead letters that were redriven this often already are skipped: this limits redrive loops."
        ></number-field>
        <p aria-live="polite" class="whole">${plan === undefined ? counting : planText(plan)}</p>
        <button class="main" ?disabled=${this.sending.isRunning || plan === undefined || plan.letters === 0}>
          Redrive${plan === undefined ? '' : ` ${plural(plan.letters, 'dead letter')}`}
        </button>
      </form>
      ${this.counting.failureView()} ${this.sending.failureView()}`;
  }

  /** Counts already while a field is filled in: a click on the button must not find it disabled by a count that leaving the field began. */
  private typed(): void {
    const values = validNumbers(this);
    if (values !== null) void this.count(values);
  }

  /**
   * Counts the dead letters by a dry run.
   * @param values `null`: a field is wrong
   */
  private async count(values: Readonly<Record<string, number>> | null): Promise<void> {
    const counted = JSON.stringify([this.selection, values]);
    if (this.counted === counted) return;
    this.counted = counted;
    this.isWrong = values === null;
    if (this.sending.hasFailed) this.sending.forget();
    if (values === null) this.counting.forget();
    else await this.counting.run(async () => this.redrive<RedrivePlan>({ ...values, dryRun: true }));
  }

  private async send(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const { selection } = this;
    const values = submitNumbers(this);
    if (values === null) return;
    await this.sending.run(async () => {
      const { id } = await this.redrive<Operation>(values);
      // Meanwhile the dialog was opened for other dead letters.
      if (this.selection !== selection) return;
      this.close();
      this.dispatchEvent(new CustomEvent('sent', { detail: id }));
    });
  }

  private async redrive<Answer>(values: object): Promise<Answer> {
    return this.client.post<Answer>('/v1/dead-letters/redrive', { ...this.selection, ...values });
  }
}

/** Says what repairs the cause, for each error of the dead letters. The error of a single dead letter is known after the dry run. */
function adviceOn(selection: Selection | null, plan: RedrivePlan | undefined): TemplateResult[] {
  const selected = selection !== null && 'errorCode' in selection ? [selection.errorCode] : [];
  const codes = new Set([...selected, ...(plan?.errors ?? []).map(({ errorCode }) => errorCode)]);
  return [...codes].map((code) => html`<p><b>${code}</b>: ${repairOf(code)}</p>`);
}

/** Fields that mean something for several dead letters only. */
function limitFields(): TemplateResult {
  return html`<number-field label="At most" name="limit" whole min="1" max="10000000" placeholder="all"></number-field>
    <number-field
      label="Rate per second"
      name="ratePerSecond"
      min="0.1"
      max="1000000"
      placeholder="unlimited"
    ></number-field>`;
}

function planText({ letters, spent, errors }: RedrivePlan): string {
  const reasons = errors.map(({ errorCode, count }) => `${count} ${errorCode}`).join(', ');
  const left = spent > 0 ? ` ${plural(spent, 'dead letter')} skipped: redriven that often already.` : '';
  return letters === 0
    ? `Nothing would be sent.${left}`
    : `${plural(letters, 'dead letter')} would be sent: ${reasons}.${left}`;
}
