import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import type { Confirmation } from '../dialogs/confirm-dialog.js';
import { Part } from '../part.js';
import { figure } from '../text/figures.js';
import type { Operation } from './operation.js';
import type { Operations } from './operations.js';

type Action = 'pause' | 'resume' | 'cancel';

/** The buttons that pause, resume or cancel an operation. Emits `confirm` before a cancel, because it cannot be undone. */
export class OperationActions extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    operation: { attribute: false },
    errorText: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare operation: Operation;
  declare errorText: string | null;

  constructor() {
    super();
    this.errorText = null;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { kind, status, interruption } = this.operation;
    // What an intake has accepted is sent already.
    if (kind === 'intake' || (status !== 'running' && status !== 'paused')) return nothing;
    const isEnding = interruption === 'cancel';
    return html`<div class="row">
        ${
          status === 'paused'
            ? html`<button ?disabled=${isEnding} @click=${() => void this.attempt('resume')}>Resume</button>`
            : html`<button ?disabled=${interruption !== null} @click=${() => void this.attempt('pause')}>Pause</button>`
        }
        <button ?disabled=${isEnding} @click=${() => this.confirmCancel()}>Cancel…</button>
      </div>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}`;
  }

  private confirmCancel(): void {
    const { kind, count, acked, status } = this.operation;
    const unit = kind === 'redrive' ? 'letters' : 'orders';
    const sent = count === null ? `${figure(acked)} ${unit}` : `${figure(acked)} of ${figure(count)} ${unit}`;
    // The dialog does not follow the figures: sending goes on until the operation is cancelled.
    const more = status === 'running' ? ', and more until you confirm' : '';
    const confirmation: Confirmation = {
      title: `Cancel this ${kind}?`,
      describe: async () =>
        Promise.resolve(
          `So far ${sent} are in Kafka${more}. They will still be saved; the others will never be sent. A cancelled ${kind} can't be resumed: to stop for a while, pause it.`,
        ),
      action: 'Cancel operation',
      keep: 'Keep operation',
      run: async () => this.send('cancel'),
    };
    this.dispatchEvent(new CustomEvent('confirm', { detail: confirmation, bubbles: true }));
  }

  private async attempt(action: Action): Promise<void> {
    try {
      await this.send(action);
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }

  private async send(action: Action): Promise<void> {
    try {
      await this.client.post(`/v1/operations/${this.operation.id}/${action}`);
    } finally {
      await this.operations.refresh();
    }
  }
}
