import { html, nothing, type TemplateResult } from 'lit';
import { messageOf } from '../api/problem.js';
import type { Session } from '../api/session.js';
import { Part } from '../part.js';
import { FormValues } from '../text/form-values.js';
import { readToken } from './token-text.js';

/** Shown when the services require a token: signs in with the provider, or takes a pasted token. */
export class SignIn extends Part {
  static override properties = { session: { attribute: false }, errorText: { state: true } };
  declare session: Session;
  declare errorText: string | null;
  private readonly onChange = (): void => this.requestUpdate();
  private isShown = false;

  constructor() {
    super();
    this.errorText = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.session.addEventListener('change', this.onChange);
    if (this.session.isReturning) void this.attempt(async () => (await import('./login.js')).endLogin(this.session));
  }

  override disconnectedCallback(): void {
    this.session.removeEventListener('change', this.onChange);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.session.isNeeded) return nothing;
    return html`<section class="card sign-in" aria-labelledby="sign-in-title">
      <h2 id="sign-in-title" tabindex="-1">Sign in</h2>
      <p role="status">${this.session.reason ?? 'The services require a token.'}</p>
      <div class="fields">
        <button
          class="main"
          @click=${() => void this.attempt(async () => (await import('./login.js')).beginLogin(this.session))}
        >
          Sign in with the provider
        </button>
      </div>
      <form class="fields" novalidate @submit=${(event: SubmitEvent) => this.paste(event)}>
        <label class="wide">Or paste a token <input name="token" autocomplete="off" spellcheck="false" /></label>
        <button>Use token</button>
      </form>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
    </section>`;
  }

  /** The card appears above what the user works on, so it gets the focus: in the next frame, when open dialogs are closed. */
  protected override updated(): void {
    const isShown = this.session.isNeeded;
    if (isShown && !this.isShown) requestAnimationFrame(() => this.reveal());
    this.isShown = isShown;
  }

  private reveal(): void {
    this.querySelector('section')?.scrollIntoView();
    this.querySelector('h2')?.focus();
  }

  private paste(event: SubmitEvent): void {
    event.preventDefault();
    const { token, fault } = { token: null, ...readToken(FormValues.of(event).text('token')) };
    this.errorText = fault ?? null;
    if (token !== null) this.session.take(token);
    else this.querySelector('input')?.focus();
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
      this.session.signOut();
    }
  }
}
