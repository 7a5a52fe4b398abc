import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { DialogPart } from '../dialogs/dialog-part.js';
import { FormValues } from '../text/form-values.js';
import type { Migration } from './facade-api.js';

/** As long as the facade accepts. */
const MAX_REASON = 500;

/** A dialog whose change needs a reason, which the audit keeps. Emits `moved` with the state of the answer. */
export abstract class ReasonedDialog extends DialogPart {
  static override properties = {
    ...DialogPart.properties,
    client: { attribute: false },
    reasonFault: { state: true },
    errorText: { state: true },
    isSending: { state: true },
  };
  declare client: Client;
  declare protected reasonFault: string | null;
  declare protected errorText: string | null;
  declare protected isSending: boolean;

  constructor() {
    super();
    this.forget();
  }

  /** Drops what an earlier use has left. */
  protected forget(): void {
    this.reasonFault = null;
    this.errorText = null;
    this.isSending = false;
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

  protected errorView(): TemplateResult | typeof nothing {
    return this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`;
  }

  /** Returns the reason of the form; `null` when it is missing, which is then shown. */
  protected reasonOf(form: HTMLFormElement): string | null {
    const reason = new FormValues(form).text('reason');
    if (reason !== '') return reason;
    this.reasonFault = 'Reason is missing.';
    form.querySelector<HTMLInputElement>('input[name=reason]')?.focus();
    return null;
  }

  /** Sends a change. Closes the dialog when it is done, and otherwise shows why not. */
  protected async send(path: string, body: object, failed: (error: unknown) => void = () => undefined): Promise<void> {
    this.isSending = true;
    this.errorText = null;
    try {
      const state = await this.client.post<Migration>(path, body);
      this.close();
      this.emitState(state);
    } catch (error) {
      this.errorText = messageOf(error);
      failed(error);
    }
    this.isSending = false;
  }

  protected emitState(state: Migration): void {
    this.dispatchEvent(new CustomEvent('moved', { detail: state }));
  }
}
