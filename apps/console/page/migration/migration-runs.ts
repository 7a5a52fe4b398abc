import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import type { Confirmation } from '../dialogs/confirm-dialog.js';
import { Part } from '../part.js';
import type { Backfill, Verification } from './facade-api.js';
import { backfillView, verifyView } from './run-view.js';

const BACKFILL = '/v1/migration/backfill';
const VERIFY = '/v1/migration/verify';

/** Starts, follows and cancels backfill and verify. Emits `confirm` with what needs a confirmation, and `started` after each change. */
export class MigrationRuns extends Part {
  static override properties = {
    client: { attribute: false },
    backfill: { attribute: false },
    verify: { attribute: false },
    isCurrent: { attribute: false },
    errorText: { state: true },
  };
  declare client: Client;
  /** The last ones; `null`: there was none; `undefined`: unknown. */
  declare backfill: Backfill | null | undefined;
  declare verify: Verification | null | undefined;
  /** Whether the facade answers. */
  declare isCurrent: boolean;
  declare protected errorText: string | null;

  constructor() {
    super();
    this.errorText = null;
  }

  protected override render(): TemplateResult {
    return html`<div class="capabilities">
        <article class="capability" aria-labelledby="backfill-title">
          <h4 id="backfill-title">Backfill</h4>
          ${this.backfillPart()}
        </article>
        <article class="capability" aria-labelledby="verify-title">
          <h4 id="verify-title">Verify</h4>
          ${this.verifyPart()}
        </article>
      </div>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}`;
  }

  private backfillPart(): TemplateResult {
    const { backfill: run, client } = this;
    const none = html`<p class="muted">There was none yet. It copies the legacy system’s orders to the new side.</p>`;
    return html`${run === null ? none : run === undefined ? nothing : backfillView(run)}
    ${
      run && run.untranslated > 0
        ? html`<run-findings
            .client=${client}
            path="${BACKFILL}/${run.id}/untranslated"
            count=${run.untranslated}
          ></run-findings>`
        : nothing
    }
    ${this.button(run, 'backfill', () => this.confirm(this.backfillConfirmation()), BACKFILL)}`;
  }

  private verifyPart(): TemplateResult {
    const { verify: run, client } = this;
    const none = html`<p class="muted">
      There was none yet. It compares all orders of both sides, and the gate needs one without a difference.
    </p>`;
    return html`${run === null ? none : run === undefined ? nothing : verifyView(run)}
    ${
      run && run.differences > 0
        ? html`<run-findings
            .client=${client}
            path="${VERIFY}/${run.id}/differences"
            count=${run.differences}
          ></run-findings>`
        : nothing
    }
    ${this.button(run, 'verify', () => void this.attempt(VERIFY), VERIFY)}`;
  }

  private button(
    run: Backfill | Verification | null | undefined,
    name: 'backfill' | 'verify',
    start: () => void,
    path: string,
  ): TemplateResult {
    const isDisabled = !this.isCurrent || run === undefined;
    if (run?.status !== 'running')
      return html`<button ?disabled=${isDisabled} @click=${start}>
        Start ${name}${name === 'backfill' ? '…' : ''}
      </button>`;
    return html`<button
      ?disabled=${isDisabled}
      @click=${() => this.confirm(this.cancelConfirmation(name, `${path}/${run.id}/cancel`))}
    >
      Cancel ${name}…
    </button>`;
  }

  private backfillConfirmation(): Confirmation {
    return {
      title: 'Start a backfill?',
      describe: async () =>
        Promise.resolve(
          'It translates all orders that the legacy system has now, and starts an import for each 100,000 numbers. Orders that the new side has already are skipped. Orders without an exact translation are listed, and not imported. Imported orders can’t be taken back.',
        ),
      action: 'Start backfill',
      keep: 'Start nothing',
      run: async () => this.post(BACKFILL),
    };
  }

  private cancelConfirmation(name: 'backfill' | 'verify', path: string): Confirmation {
    const stays =
      name === 'backfill'
        ? 'Imports that it has started go on, and nothing is taken back. A new backfill skips what is there.'
        : 'What it has compared is lost, and the gate ignores it. A new verify begins at number 1.';
    return {
      title: `Cancel the ${name}?`,
      describe: async () => Promise.resolve(stays),
      action: `Cancel ${name}`,
      keep: `Keep ${name}`,
      run: async () => this.post(path),
    };
  }

  private confirm(confirmation: Confirmation): void {
    this.dispatchEvent(new CustomEvent('confirm', { detail: confirmation, bubbles: true }));
  }

  private async attempt(path: string): Promise<void> {
    this.errorText = null;
    try {
      await this.post(path);
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }

  private async post(path: string): Promise<void> {
    await this.client.post(path);
    this.dispatchEvent(new Event('started'));
  }
}
