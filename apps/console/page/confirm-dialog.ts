import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { PageElement } from './page-element.js';
import { RequestState } from './request-state.js';

let instances = 0;

/**
 * A modal dialog. The browser keeps the focus inside, closes the dialog on Escape, and returns the focus to the element that had it.
 * Emits `close` when the user closed it.
 */
export abstract class DialogElement extends PageElement {
  @state() protected isOpen = false;
  private readonly titleId = `dialog-${(instances += 1)}`;

  protected abstract heading(): string;
  protected abstract content(): TemplateResult;

  protected override render(): TemplateResult {
    return html`<dialog aria-labelledby=${this.titleId} @close=${() => this.closed()}>
      <div class="dialog-head">
        <h3 id=${this.titleId}>${this.heading()}</h3>
        <button class="close" aria-label="Close" @click=${() => this.dialog?.close()}>×</button>
      </div>
      ${this.isOpen ? this.content() : nothing}
    </dialog>`;
  }

  /** Shows the dialog with its content, so that the browser finds the element with `autofocus`. */
  protected async show(): Promise<void> {
    this.isOpen = true;
    await this.updateComplete;
    const dialog = this.dialog;
    if (dialog?.open === false && this.isOpen) dialog.showModal();
  }

  /** Closes the dialog without `close`. */
  protected close(): void {
    this.isOpen = false;
    this.dialog?.close();
  }

  private get dialog(): HTMLDialogElement | null {
    return this.querySelector('dialog');
  }

  private closed(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.dispatchEvent(new Event('close'));
  }
}

/** Something that cannot be undone, and is done only after a confirmation. */
export interface Confirmation {
  readonly title: string;
  /** Says what happens and what stays as it is. It may have to count first. */
  readonly describe: string | (() => Promise<string>);
  /** The button that does it, such as `Cancel operation`. */
  readonly action: string;
  /** The button that leaves everything as it is, such as `Keep operation`. */
  readonly keep: string;
  readonly run: () => Promise<void>;
}

/** Asks before something that cannot be undone. The button that changes nothing has the focus. */
export class ConfirmDialog extends DialogElement {
  @state() confirmation: Confirmation | null = null;
  private readonly describing = new RequestState<string>(this);
  private readonly running = new RequestState(this);

  async open(confirmation: Confirmation): Promise<void> {
    this.confirmation = confirmation;
    this.describing.forget();
    this.running.forget();
    await this.show();
    const { describe } = confirmation;
    await this.describing.run(async () => (typeof describe === 'string' ? describe : describe()));
  }

  protected override heading(): string {
    return this.confirmation?.title ?? '';
  }

  protected override content(): TemplateResult {
    const { confirmation, describing, running } = this;
    const text = describing.answer;
    const waiting = describing.hasFailed ? nothing : html`<p class="muted">Counting…</p>`;
    return html`${text === undefined ? waiting : html`<p>${text}</p>`} ${describing.failureView()}
      ${running.failureView()}
      <div class="row">
        <button autofocus @click=${() => this.close()}>${confirmation?.keep}</button>
        <button class="danger" ?disabled=${running.isRunning || text === undefined} @click=${() => void this.run()}>
          ${confirmation?.action}
        </button>
      </div>`;
  }

  private async run(): Promise<void> {
    const { confirmation } = this;
    await this.running.run(async () => {
      await confirmation?.run();
      this.close();
    });
  }
}
