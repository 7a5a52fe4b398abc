import { html, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { isNotFound, messageOf } from '../api/problem.js';
import { quoted } from '../forms/number-text.js';
import { ID_FORM, isUuid } from '../text/uuid.js';
import { DialogPart } from '../dialogs/dialog-part.js';
import { isInProgress, type Operation } from './operation.js';
import { operationFacts } from './operation-facts.js';
import { progressView, stateView } from './operation-progress.js';
import type { Operations } from './operations.js';

const POLL_MS = 1_000;

/** Shows one operation by its id: its progress, what was requested, how long it took, and its dead letters. */
export class OperationDialog extends DialogPart {
  static override properties = {
    ...DialogPart.properties,
    client: { attribute: false },
    operations: { attribute: false },
    operationId: { attribute: false },
    operation: { state: true },
    letters: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  /** The operation to show; `null`: the dialog is closed. */
  declare operationId: string | null;
  declare operation: Operation | null;
  /** The number of pending dead letters with this operation's id; `null`: unknown. */
  declare letters: number | null;
  declare errorText: string | null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.operationId = null;
    this.operation = null;
    this.letters = null;
    this.errorText = null;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('operationId')) return;
    clearTimeout(this.timer);
    this.operation = null;
    this.letters = null;
    this.errorText = null;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('operationId')) return;
    if (this.operationId === null) this.close();
    else void Promise.all([this.show(), this.load(this.operationId)]);
  }

  protected override heading(): string {
    return this.operation === null ? 'Operation' : `Operation: ${this.operation.kind}`;
  }

  protected override content(): TemplateResult {
    const { client, operations, operation, letters, errorText, operationId } = this;
    const error = errorText === null ? '' : html`<p role="alert" class="bad">${errorText}</p>`;
    if (operation === null)
      return html`<p><code>${operationId}</code></p>
        ${error || html`<p class="muted">Loading…</p>`}`;
    return html`<p class="row">${stateView(operation)} <code>${operation.id}</code></p>
      ${progressView(operation)} ${error}
      <operation-actions .client=${client} .operations=${operations} .operation=${operation}></operation-actions>
      ${operationFacts(operation, letters)}`;
  }

  /** Shows the operation of an address, which may have been typed or cut. */
  private async load(id: string): Promise<void> {
    if (isUuid(id)) await this.poll(id);
    else this.errorText = `${quoted(id)} is not the id of an operation: ${ID_FORM}. Close this to see the operations.`;
  }

  /** Follows the operation until it is final, or until another one is shown. */
  private async poll(id: string): Promise<void> {
    try {
      const operation = await this.client.get<Operation>(`/v1/operations/${id}`);
      const letters = operation.kind === 'redrive' ? null : await this.countLetters(id);
      if (this.operationId !== id) return;
      this.operation = operation;
      this.letters = letters;
      this.errorText = null;
      if (!isInProgress(operation)) return;
    } catch (error) {
      if (this.operationId !== id) return;
      if (isNotFound(error)) {
        this.errorText =
          'There is no operation with this id. Check that the id is complete, and that it is of this pipeline.';
        return;
      }
      this.errorText = messageOf(error);
    }
    this.timer = setTimeout(() => void this.poll(id), POLL_MS);
  }

  private async countLetters(id: string): Promise<number> {
    return (await this.client.get<{ total: number }>(`/v1/dead-letters?operationId=${id}`)).total;
  }
}
