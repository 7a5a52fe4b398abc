import { html, nothing, type TemplateResult } from 'lit';
import { messageOf } from '../api/problem.js';
import { DialogPart } from './dialog-part.js';

/** Something that cannot be undone, and is done only after a confirmation. */
export interface Confirmation {
  readonly title: string;
  /** Says what happens and what stays as it is. It may have to count first. */
  readonly describe: () => Promise<string>;
  /** The button that does it, such as `Cancel operation`. */
  readonly action: string;
  /** The button that leaves everything as it is, such as `Keep operation`. */
  readonly keep: string;
  readonly run: () => Promise<void>;
}

/** Asks before something that cannot be undone. The button that changes nothing has the focus. */
export class ConfirmDialog extends DialogPart {
  static override properties = {
    ...DialogPart.properties,
    confirmation: { state: true },
    text: { state: true },
    errorText: { state: true },
    isRunning: { state: true },
  };
  declare confirmation: Confirmation | null;
  /** `null`: not known yet. */
  declare text: string | null;
  declare errorText: string | null;
  declare isRunning: boolean;

  constructor() {
    super();
    this.confirmation = null;
    this.text = null;
    this.errorText = null;
    this.isRunning = false;
  }

  async open(confirmation: Confirmation): Promise<void> {
    this.confirmation = confirmation;
    this.text = null;
    await this.show();
    await this.attempt(async () => {
      const text = await confirmation.describe();
      if (this.confirmation === confirmation) this.text = text;
    });
  }

  protected override heading(): string {
    return this.confirmation?.title ?? '';
  }

  protected override content(): TemplateResult {
    const { confirmation, text, errorText, isRunning } = this;
    const waiting = errorText === null ? html`<p class="muted">Counting…</p>` : nothing;
    return html`${text === null ? waiting : html`<p>${text}</p>`}
      ${errorText === null ? nothing : html`<p role="alert" class="bad">${errorText}</p>`}
      <div class="row">
        <button autofocus @click=${() => this.close()}>${confirmation?.keep}</button>
        <button class="danger" ?disabled=${isRunning || text === null} @click=${() => void this.run()}>
          ${confirmation?.action}
        </button>
      </div>`;
  }

  private async run(): Promise<void> {
    const { confirmation } = this;
    this.isRunning = true;
    await this.attempt(async () => {
      await confirmation?.run();
      this.close();
    });
    this.isRunning = false;
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    this.errorText = null;
    try {
      await work();
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }
}
