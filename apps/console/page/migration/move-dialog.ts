import { html, nothing, type TemplateResult } from 'lit';
import { ApiProblem } from '../api/problem.js';
import { submitNumbers, type NumberField } from '../forms/number-field.js';
import { plural } from '../text/figures.js';
import { stateText } from './capability.js';
import type { GateCondition, Migration } from './facade-api.js';
import { conditionList } from './gate-view.js';
import { meaningOf } from './move-meaning.js';
import {
  isIrreversible,
  movesOf,
  needsGate,
  overrulable,
  suggestedPercent,
  titleOf,
  unmetOf,
  type Move,
} from './move.js';
import { ReasonedDialog } from './reasoned-dialog.js';

/** Refusals besides the gate that `force` overrules, with what it does then. */
const FORCED: Readonly<Record<string, string>> = {
  'instances-missing': 'Remove the silent instances from the registry: their processes have ended',
  'reads-first': 'Take the reads back first',
};

/** Asks for the percentage and the reason of a change, says what it means, and makes it. Overrules the gate by an explicit choice only. */
export class MoveDialog extends ReasonedDialog {
  static override properties = {
    ...ReasonedDialog.properties,
    move: { state: true },
    percent: { state: true },
    refusal: { state: true },
  };
  declare protected move: Move | null;
  /** As typed; `null`: no number that is allowed. */
  declare protected percent: number | null;
  /** Why the facade has refused the change. */
  declare protected refusal: { readonly code: string; readonly gate: readonly GateCondition[] } | null;

  constructor() {
    super();
    this.move = null;
    this.percent = null;
    this.refusal = null;
  }

  async open(move: Move): Promise<void> {
    this.forget();
    this.move = move;
    this.percent = move.kind === 'rollback' ? 100 : suggestedPercent(move);
    this.refusal = null;
    await this.show();
  }

  protected override heading(): string {
    return this.move === null ? '' : titleOf(this.move);
  }

  protected override content(): TemplateResult {
    const { move, percent, isSending } = this;
    if (move === null) return html``;
    const isDangerous = move.kind === 'rollback' || isIrreversible(move);
    return html`<p class="muted">Now: ${stateText(move.from)}.</p>
      ${percent === null ? nothing : meaningOf(move, percent).map((text) => html`<p>${text}</p>`)}
      <form
        class="fields"
        novalidate
        @submit=${(event: SubmitEvent) => void this.submit(event)}
        @input=${(event: Event) => this.typed(event)}
      >
        ${move.kind === 'rollback' ? nothing : this.percentField(move)} ${this.reasonField(!isIrreversible(move))}
        ${this.errorView()} ${this.gateView(move)}
        <div class="row whole">
          <button type="button" ?autofocus=${isIrreversible(move)} @click=${() => this.close()}>
            Keep ${stateText(move.from)}
          </button>
          <button class=${isDangerous ? 'danger' : 'main'} ?disabled=${isSending}>
            ${isSending ? 'Waiting for the change…' : this.action(move)}
          </button>
        </div>
      </form>`;
  }

  private action(move: Move): string {
    const target = stateText({ stage: move.stage, percent: this.percent ?? 100 });
    return move.kind === 'rollback' ? `Roll back to ${move.stage}` : `Move to ${target}`;
  }

  private percentField(move: Move): TemplateResult {
    return html`<number-field
      label="Percentage"
      name="percent"
      required
      whole
      min="1"
      max="100"
      value=${suggestedPercent(move)}
      hint="The keys with the lowest hashes move, so a higher percentage only adds keys."
    ></number-field>`;
  }

  /** What does not hold, as the facade has said last, and the choice to overrule it. */
  private gateView(move: Move): TemplateResult | typeof nothing {
    const { refusal, percent } = this;
    const asked = refusal?.gate ?? (needsGate(move, percent ?? 0) ? move.from.gate : []);
    const unmet = unmetOf(asked);
    const forced = FORCED[refusal?.code ?? ''];
    if (unmet.length === 0) return forced === undefined ? nothing : forceField(forced);
    const may = overrulable(move, unmet);
    return html`<div class="whole">
        <p class="warn">${plural(unmet.length, 'condition of the gate does', 'conditions of the gate do')} not hold:</p>
        ${conditionList(unmet, 'Conditions that do not hold')}
        ${may.length === 0 ? html`<p>Nothing overrules these conditions of the last step.</p>` : nothing}
      </div>
      ${may.length === 0 ? nothing : forceField(`Overrule what does not hold: ${may.map(({ condition }) => condition).join(', ')}`)}`;
  }

  private typed(event: Event): void {
    const field = (event.currentTarget as HTMLFormElement).querySelector<NumberField>('number-field');
    if (field !== null) this.percent = field.number ?? null;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const { move } = this;
    const form = event.target as HTMLFormElement;
    const numbers = submitNumbers(form);
    const reason = numbers && this.reasonOf(form);
    if (move === null || numbers === null || reason === null) return;
    const isForced = form.querySelector<HTMLInputElement>('input[name=force]')?.checked === true;
    const { capability, stage, from } = move;
    const change = { stage, ...numbers, reason, version: from.version, ...(isForced && { force: true }) };
    await this.send(`/v1/migration/${capability}`, change, (error) => this.refused(error));
  }

  private refused(error: unknown): void {
    if (!(error instanceof ApiProblem)) return;
    const { code, details } = error;
    const { gate, state } = details as { gate?: GateCondition[]; state?: Migration };
    this.refusal = { code, gate: gate ?? [] };
    if (state === undefined) return;
    this.move = sameMove(this.move, state) ?? this.move;
    this.emitState(state);
  }
}

/** Finds the same change in a newer state, so that the user can decide again with its version. */
function sameMove(move: Move | null, state: Migration): Move | undefined {
  if (move === null) return undefined;
  return movesOf(move.capability, state).find(({ kind, stage }) => kind === move.kind && stage === move.stage);
}

function forceField(text: string): TemplateResult {
  return html`<label class="choice whole"><input type="checkbox" name="force" /> ${text}</label>`;
}
