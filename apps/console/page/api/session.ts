const TOKEN = 'orders-token';

/** Holds the token that the page sends, in the session storage of the tab. */
export class Session extends EventTarget {
  /** The services require a token, and there is no valid one. */
  isNeeded = false;
  /** Why the last token was rejected, if the user should know. */
  reason: string | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly location: Location,
    private readonly history: History,
  ) {
    super();
  }

  get token(): string | null {
    return this.storage.getItem(TOKEN);
  }

  /** The redirect URI of a login. */
  get redirectUri(): string {
    return `${this.location.origin}/`;
  }

  take(token: string): void {
    this.storage.setItem(TOKEN, token.trim());
    this.isNeeded = false;
    this.reason = null;
    this.changed();
  }

  /** Drops the token: a service rejected it, it is missing, or the user signs out. */
  signOut(reason: string | null = null): void {
    this.storage.removeItem(TOKEN);
    this.isNeeded = true;
    this.reason = reason;
    this.changed();
  }

  /** Stores a value across a login, which leaves the page. */
  remember(name: string, value: string): void {
    this.storage.setItem(`login-${name}`, value);
  }

  /** Returns and deletes a remembered value. */
  recall(name: string): string | null {
    const value = this.storage.getItem(`login-${name}`);
    this.storage.removeItem(`login-${name}`);
    return value;
  }

  /** Whether a login has redirected back with its result in the URL. */
  get isReturning(): boolean {
    const parameters = new URLSearchParams(this.location.search);
    return parameters.has('state') && (parameters.has('code') || parameters.has('error'));
  }

  /** Returns the URL with the result of the login and removes that result from the address bar. */
  takeReturnUrl(): URL {
    const url = new URL(this.location.href);
    this.history.replaceState(null, '', this.redirectUri);
    return url;
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
