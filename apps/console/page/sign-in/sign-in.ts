import { html, nothing, type TemplateResult } from 'lit';
import { messageOf } from '../api/problem.js';
import type { Session } from '../api/session.js';
import { Part } from '../part.js';
import { FormValues } from '../text/form-values.js';

/** Where the services ask for a token: signing in with the provider, or a token that was had elsewhere. */
export class SignIn extends Part {
  static override properties = { session: { attribute: false }, refusal: { state: true } };
  declare session: Session;
  declare refusal: string | null;
  private readonly onChange = (): void => this.requestUpdate();

  constructor() {
    super();
    this.refusal = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.session.addEventListener('change', this.onChange);
    if (this.session.isReturning) void this.tried(async () => (await import('./login.js')).endLogin(this.session));
  }

  override disconnectedCallback(): void {
    this.session.removeEventListener('change', this.onChange);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.session.isNeeded) return nothing;
    return html`<section class="card sign-in" aria-labelledby="sign-in-title">
      <h2 id="sign-in-title">Sign in</h2>
      <p>${this.session.reason ?? 'The services ask for a token.'}</p>
      <div class="fields">
        <button
          class="main"
          @click=${() => void this.tried(async () => (await import('./login.js')).beginLogin(this.session))}
        >
          Sign in with the provider
        </button>
      </div>
      <form class="fields" @submit=${(event: SubmitEvent) => this.paste(event)}>
        <label class="wide"
          >Or a token that you have <input name="token" required autocomplete="off" spellcheck="false"
        /></label>
        <button>Use it</button>
      </form>
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
    </section>`;
  }

  private paste(event: SubmitEvent): void {
    event.preventDefault();
    this.session.take(FormValues.of(event).text('token'));
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.refusal = null;
    } catch (error) {
      this.refusal = messageOf(error);
      this.session.refused();
    }
  }
}
