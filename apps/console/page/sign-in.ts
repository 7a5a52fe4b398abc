import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import { messageOf } from './client.js';
import { PageElement } from './page-element.js';
import { fieldValue } from './form-fields.js';
import { alertView } from './request-state.js';

/** Three parts in base64url: header, claims and signature (RFC 7515). */
const COMPACT_JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

type ReadToken = { readonly token: string; readonly fault?: undefined } | { readonly fault: string };

/** Reads a pasted access token. Removes what a copy adds: `Bearer`, quotes, spaces and line breaks. */
export function readToken(text: string): ReadToken {
  const token = text
    .trim()
    .replace(/^(?:authorization:\s*)?bearer(?:\s+|$)/i, '')
    .replaceAll(/[\s"']/g, '');
  if (token === '') return { fault: 'Paste an access token into the field first.' };
  if (!COMPACT_JWT.test(token))
    return { fault: 'This is not an access token: one has three parts, separated by dots. Copy all of it.' };
  return { token };
}

/** Shown when the services require a token: signs in with the provider, or takes a pasted token. */
export class SignIn extends PageElement {
  private readonly session = this.client.session;
  @state() errorText: string | null = null;
  private isShown = false;

  constructor() {
    super();
    this.follow(this.session);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.session.isReturning) void this.attempt(async () => (await import('./login.js')).endLogin(this.session));
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
      ${alertView(this.errorText)}
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
    const { token, fault } = { token: null, ...readToken(fieldValue(event.target as HTMLFormElement, 'token')) };
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
