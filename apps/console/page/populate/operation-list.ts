import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { duration, figure, moment } from '../text/figures.js';
import { isGoingOn, type Operation } from './operation.js';
import type { Operations } from './operations.js';

type Wish = 'pause' | 'resume' | 'cancel';

/** What was asked for last, and how far each is. */
export class OperationList extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    refusal: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare refusal: string | null;
  private readonly onChange = (): void => this.requestUpdate();

  constructor() {
    super();
    this.refusal = null;
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
    if (newest.length === 0) return html`<p class="muted">Nothing was asked for yet.</p>`;
    return html`
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
      <ul class="operations">
        ${newest.map((operation) => this.operationView(operation))}
      </ul>
    `;
  }

  private operationView(operation: Operation): TemplateResult {
    const { id, kind, status, interruption, count, requestedAt, error } = operation;
    const isOpen = status === 'running' || status === 'paused';
    return html`<li>
      <div class="row">
        <b>${kind}</b>
        <span class="status ${status}">${interruption === null ? status : `${interruption} wanted`}</span>
        <span class="muted">${figure(count)} ${kind === 'redrive' ? 'letters' : 'orders'}, ${moment(requestedAt)}</span>
        <code class="muted" title="The operation's id">${id}</code>
      </div>
      ${progressView(operation)} ${error === null ? nothing : html`<p class="bad">${error.message}</p>`}
      ${isOpen ? html`<div class="row">${this.wishes(operation)}</div>` : nothing}
    </li>`;
  }

  private wishes({ id, status }: Operation): TemplateResult[] {
    const wishes: readonly Wish[] = status === 'paused' ? ['resume', 'cancel'] : ['pause', 'cancel'];
    return wishes.map((wish) => html`<button @click=${() => void this.want(id, wish)}>${NAMES[wish]}</button>`);
  }

  private async want(id: string, wish: Wish): Promise<void> {
    try {
      await this.client.post(`/v1/operations/${id}/${wish}`);
      this.refusal = null;
    } catch (error) {
      this.refusal = messageOf(error);
    }
    await this.operations.refresh();
  }
}

const NAMES: Readonly<Record<Wish, string>> = { pause: 'Pause', resume: 'Resume', cancel: 'Cancel' };

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
  if (etaSeconds && isGoingOn(operation)) parts.push(`${duration(etaSeconds)} until all is sent`);
  if (waitingFor !== null) parts.push('waits for the consumers');
  return parts.join(', ');
}

function redriveText(redrive: NonNullable<Operation['redrive']>): string[] {
  const { moved, saved, returned, waiting, missing, unmovable } = redrive;
  const ends = [`${figure(saved)} saved`, `${figure(returned)} returned`];
  if (waiting > 0) ends.push(`${figure(waiting)} on their way`);
  if (missing > 0) ends.push(`${figure(missing)} missing`);
  const equation = `${figure(moved)} moved = ${ends.join(' + ')}`;
  return unmovable > 0 ? [equation, `${figure(unmovable)} can not be moved`] : [equation];
}
