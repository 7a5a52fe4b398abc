import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { ApiProblem } from '../client.js';
import { DialogElement } from '../confirm-dialog.js';
import { fieldValue, submitNumbers, type NumberField } from '../form-fields.js';
import { plural } from '../figures.js';
import { RequestState } from '../request-state.js';
import type { Migration, GateCondition } from '#api/facade.js';
import {
  stateText,
  meaningOf,
  isIrreversible,
  movesOf,
  needsGate,
  overridable,
  suggestedPercent,
  titleOf,
  unmetOf,
  type Move,
} from './capability.js';
import { conditionList } from './capability-view.js';

/** As long as the facade accepts. */
const MAX_REASON = 500;

/** A dialog whose change needs a reason, which the audit keeps. Emits `moved` with the state of the answer. */
abstract class ReasonedDialog extends DialogElement {
  @state() protected reasonFault: string | null = null;
  protected readonly request = new RequestState(this);

  /** Drops what an earlier use has left. */
  protected forget(): void {
    this.reasonFault = null;
    this.request.forget();
  }

  /** @param hasFocus whether it has the focus when the dialog opens */
  protected reasonField(hasFocus = true): TemplateResult {
    const { reasonFault } = this;
    return html`<label class="whole"
        >Reason, for the audit
        <input
          name="reason"
          autocomplete="off"
          ?autofocus=${hasFocus}
          maxlength=${MAX_REASON}
          aria-required="true"
          aria-invalid=${reasonFault !== null}
          aria-describedby=${reasonFault === null ? nothing : 'reason-fault'}
          @input=${() => void (this.reasonFault = null)}
        />
      </label>
      ${reasonFault === null ? nothing : html`<span id="reason-fault" class="bad fault whole" role="alert">${reasonFault}</span>`}`;
  }

  /** Returns the reason of the form; `null` when it is missing, which is then shown. */
  protected reasonOf(form: HTMLFormElement): string | null {
    const reason = fieldValue(form, 'reason');
    if (reason !== '') return reason;
    this.reasonFault = 'Reason is missing.';
    form.querySelector<HTMLInputElement>('input[name=reason]')?.focus();
    return null;
  }

  /** Sends a change. Closes the dialog when it is done, and otherwise shows why not. */
  protected async send(path: string, body: object, failed: (error: unknown) => void = () => undefined): Promise<void> {
    await this.request.run(async () => {
      try {
        const migration = await this.client.post<Migration>(path, body);
        this.close();
        this.emitState(migration);
      } catch (error) {
        failed(error);
        throw error;
      }
    });
  }

  protected emitState(migration: Migration): void {
    this.dispatchEvent(new CustomEvent('moved', { detail: migration }));
  }
}

/** Holds the migration, or releases it. */
export class HoldDialog extends ReasonedDialog {
  /** `true`: the dialog holds; `false`: it releases. */
  @state() protected isHolding = true;

  async open(isHolding: boolean): Promise<void> {
    this.forget();
    this.isHolding = isHolding;
    await this.show();
  }

  protected override heading(): string {
    return this.isHolding ? 'Hold the migration' : 'Release the migration';
  }

  protected override content(): TemplateResult {
    const { isHolding, request } = this;
    return html`<p>
        ${
          isHolding
            ? 'Every change of a stage or a percentage is refused until someone releases the migration. There is no automatic rollback either: the facade alerts instead. A change in progress ends. Traffic goes on as it is.'
            : 'Stages and percentages can change again. Automatic rollback is on again: a capability that is past a limit goes back within seconds.'
        }
      </p>
      <form class="fields" novalidate @submit=${(event: SubmitEvent) => void this.submit(event)}>
        ${this.reasonField()} ${request.failureView()}
        <div class="row whole">
          <button type="button" @click=${() => this.close()}>
            ${isHolding ? 'Keep changes allowed' : 'Keep holding'}
          </button>
          <button class="main" ?disabled=${request.isRunning}>${this.heading()}</button>
        </div>
      </form>`;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const reason = this.reasonOf(event.target as HTMLFormElement);
    if (reason !== null) await this.send('/v1/migration/hold', { held: this.isHolding, reason });
  }
}

/** Refusals besides the gate that `force` overrides, with what it does then. */
const FORCED: Readonly<Record<string, string>> = {
  'instances-missing': 'Remove the silent instances from the registry: their processes have ended',
  'reads-first': 'Take the reads back first',
};

/** Asks for the percentage and the reason of a change, says what it means, and makes it. Overrides the gate by an explicit choice only. */
export class MoveDialog extends ReasonedDialog {
  @state() protected move: Move | null = null;
  /** As typed; `null`: no number that is allowed. */
  @state() protected percent: number | null = null;
  /** Why the facade has refused the change. */
  @state() protected refusal: { readonly code: string; readonly gate: readonly GateCondition[] } | null = null;

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
    const { move, percent, request } = this;
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
        ${this.request.failureView()} ${this.gateView(move)}
        <div class="row whole">
          <button type="button" ?autofocus=${isIrreversible(move)} @click=${() => this.close()}>
            Keep ${stateText(move.from)}
          </button>
          <button class=${isDangerous ? 'danger' : 'main'} ?disabled=${request.isRunning}>
            ${request.isRunning ? 'Waiting for the change…' : this.action(move)}
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

  /** The unmet conditions, as the facade has reported them last, and the choice to override them. */
  private gateView(move: Move): TemplateResult | typeof nothing {
    const { refusal, percent } = this;
    const asked = refusal?.gate ?? (needsGate(move, percent ?? 0) ? move.from.gate : []);
    const unmet = unmetOf(asked);
    const forced = FORCED[refusal?.code ?? ''];
    if (unmet.length === 0) return forced === undefined ? nothing : forceField(forced);
    const may = overridable(move, unmet);
    return html`<div class="whole">
        <p class="warn">${plural(unmet.length, 'condition of the gate is', 'conditions of the gate are')} not met:</p>
        ${conditionList(unmet, 'Unmet conditions')}
        ${may.length === 0 ? html`<p>Nothing overrides these conditions of the last step.</p>` : nothing}
      </div>
      ${may.length === 0 ? nothing : forceField(`Override the unmet conditions: ${may.map(({ condition }) => condition).join(', ')}`)}`;
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
    const { gate, state: newer } = details as { gate?: GateCondition[]; state?: Migration };
    this.refusal = { code, gate: gate ?? [] };
    if (newer === undefined) return;
    this.move = sameMove(this.move, newer) ?? this.move;
    this.emitState(newer);
  }
}

/** Finds the same change in a newer state, so that the user can decide again with its version. */
function sameMove(move: Move | null, newer: Migration): Move | undefined {
  if (move === null) return undefined;
  return movesOf(move.capability, newer).find(({ kind, stage }) => kind === move.kind && stage === move.stage);
}

function forceField(text: string): TemplateResult {
  return html`<label class="choice whole"><input type="checkbox" name="force" /> ${text}</label>`;
}
