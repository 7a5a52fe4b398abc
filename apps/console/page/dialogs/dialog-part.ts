import { html, nothing, type TemplateResult } from 'lit';
import { Part } from '../part.js';

let instances = 0;

/**
 * A modal dialog. The browser keeps the focus inside, closes the dialog on Escape, and returns the focus to the element that had it.
 * Emits `close` when the user closed it.
 */
export abstract class DialogPart extends Part {
  static override properties = { isOpen: { state: true } };
  declare protected isOpen: boolean;
  private readonly titleId = `dialog-${(instances += 1)}`;

  constructor() {
    super();
    this.isOpen = false;
  }

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
