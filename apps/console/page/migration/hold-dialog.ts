import { html, type TemplateResult } from 'lit';
import { ReasonedDialog } from './reasoned-dialog.js';

/** Holds the migration, or releases it. */
export class HoldDialog extends ReasonedDialog {
  static override properties = { ...ReasonedDialog.properties, isHolding: { state: true } };
  /** `true`: the dialog holds; `false`: it releases. */
  declare protected isHolding: boolean;

  constructor() {
    super();
    this.isHolding = true;
  }

  async open(isHolding: boolean): Promise<void> {
    this.forget();
    this.isHolding = isHolding;
    await this.show();
  }

  protected override heading(): string {
    return this.isHolding ? 'Hold the migration' : 'Release the migration';
  }

  protected override content(): TemplateResult {
    const { isHolding, isSending } = this;
    return html`<p>
        ${
          isHolding
            ? 'Every change of a stage or a percentage is refused until someone releases the migration. There is no automatic rollback either: the facade alerts instead. A change in progress ends. Traffic goes on as it is.'
            : 'Stages and percentages can change again. Automatic rollback is on again: a capability that is past a limit goes back within seconds.'
        }
      </p>
      <form class="fields" novalidate @submit=${(event: SubmitEvent) => void this.submit(event)}>
        ${this.reasonField()} ${this.errorView()}
        <div class="row whole">
          <button type="button" @click=${() => this.close()}>
            ${isHolding ? 'Keep changes allowed' : 'Keep holding'}
          </button>
          <button class="main" ?disabled=${isSending}>
            ${isHolding ? 'Hold the migration' : 'Release the migration'}
          </button>
        </div>
      </form>`;
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const reason = this.reasonOf(event.target as HTMLFormElement);
    if (reason !== null) await this.send('/v1/migration/hold', { held: this.isHolding, reason });
  }
}
