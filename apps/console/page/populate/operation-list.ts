import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { duration, figure, moment } from '../text/figures.js';
import { isInProgress, stateText, type Operation } from './operation.js';
import type { Operations } from './operations.js';

type Action = 'pause' | 'resume' | 'cancel';

/** Lists the newest operations with their progress, and buttons to pause, resume or cancel them. */
export class OperationList extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    errorText: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare errorText: string | null;
  private readonly onChange = (): void => this.requestUpdate();

  constructor() {
    super();
    this.errorText = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.operations.addEventListener('change', this.onChange);
  }

  override disconnectedCallback(): void {
    this.operations.removeEventListener('change', this.onChange);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { newest, reason } = this.operations;
    if (newest === null)
      return html`<p class="unknown">Operations are unknown${reason === null ? '.' : `: ${reason}`}</p>`;
    if (newest.length === 0) return html`<p class="muted">No operations yet.</p>`;
    return html`
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      <ul class="operations">
        ${newest.map((operation) => this.operationView(operation))}
      </ul>
    `;
  }

  private operationView(operation: Operation): TemplateResult {
    const { id, kind, status, count, requestedAt, error } = operation;
    const isOpen = status === 'running' || status === 'paused';
    return html`<li>
      <div class="row">
        <b>${kind}</b>
        <span class="status ${status}">${stateText(operation)}</span>
        <span class="muted">${figure(count)} ${kind === 'redrive' ? 'letters' : 'orders'}, ${moment(requestedAt)}</span>
        <code class="muted" title="The operation's id">${id}</code>
      </div>
      ${progressView(operation)} ${error === null ? nothing : html`<p class="bad">${error.message}</p>`}
      ${isOpen ? html`<div class="row">${this.actions(operation)}</div>` : nothing}
    </li>`;
  }

  private actions({ id, status }: Operation): TemplateResult[] {
    const actions: readonly Action[] = status === 'paused' ? ['resume', 'cancel'] : ['pause', 'cancel'];
    return actions.map((action) => html`<button @click=${() => void this.send(id, action)}>${NAMES[action]}</button>`);
  }

  private async send(id: string, action: Action): Promise<void> {
    try {
      await this.client.post(`/v1/operations/${id}/${action}`);
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
    await this.operations.refresh();
  }
}

const NAMES: Readonly<Record<Action, string>> = { pause: 'Pause', resume: 'Resume', cancel: 'Cancel' };

function progressView(operation: Operation): TemplateResult {
  const { count, acked, saved, savedAsOf } = operation;
  const share = (part: number | null): number => (count ? Math.round((1_000 * (part ?? 0)) / count) / 10 : 0);
  return html`<div
      class="progress"
      role="progressbar"
      aria-label="Saved"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share(saved)}
    >
      <i class="acked" style="width: ${share(acked)}%"></i><i class="saved" style="width: ${share(saved)}%"></i>
    </div>
    <div class="muted" title="Saved as of ${moment(savedAsOf)}">${progressText(operation)}</div>`;
}

function progressText(operation: Operation): string {
  const { acked, saved, deadLettered, etaSeconds, waitingFor, redrive } = operation;
  const parts = redrive === null ? [`${figure(acked)} in Kafka`, `${figure(saved)} saved`] : redriveText(redrive);
  if (redrive === null && deadLettered) parts.push(`${figure(deadLettered)} dead letters`);
  if (etaSeconds && isInProgress(operation)) parts.push(`${duration(etaSeconds)} until everything is sent`);
  if (waitingFor !== null) parts.push('waiting for the consumers');
  return parts.join(', ');
}

function redriveText(redrive: NonNullable<Operation['redrive']>): string[] {
  const { moved, saved, returned, waiting, missing, unmovable } = redrive;
  const ends = [`${figure(saved)} saved`, `${figure(returned)} returned`];
  if (waiting > 0) ends.push(`${figure(waiting)} in progress`);
  if (missing > 0) ends.push(`${figure(missing)} missing`);
  const equation = `${figure(moved)} moved = ${ends.join(' + ')}`;
  return unmovable > 0 ? [equation, `${figure(unmovable)} cannot be moved`] : [equation];
}
