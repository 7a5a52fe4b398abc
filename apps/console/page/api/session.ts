const TOKEN = 'orders-token';

/** Whose token the page sends. It lives as long as the tab, and nowhere else. */
export class Session extends EventTarget {
  /** The services ask for a token, and there is none that they take. */
  isNeeded = false;
  /** What the last token was refused for, where that is worth telling. */
  reason: string | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly place: Location,
    private readonly past: History,
  ) {
    super();
  }

  get token(): string | null {
    return this.storage.getItem(TOKEN);
  }

  /** The address that a login comes back to. */
  get home(): string {
    return `${this.place.origin}/`;
  }

  take(token: string): void {
    this.storage.setItem(TOKEN, token.trim());
    this.isNeeded = false;
    this.reason = null;
    this.changed();
  }

  /** A service didn't take the token, or there was none; or its holder signs out. */
  refused(reason: string | null = null): void {
    this.storage.removeItem(TOKEN);
    this.isNeeded = true;
    this.reason = reason;
    this.changed();
  }

  /** What must outlast a login, which leaves the page. */
  remember(name: string, value: string): void {
    this.storage.setItem(`login-${name}`, value);
  }

  /** Once: it is forgotten then. */
  recall(name: string): string | null {
    const value = this.storage.getItem(`login-${name}`);
    this.storage.removeItem(`login-${name}`);
    return value;
  }

  /** A login has come back with its answer in the address. */
  get isReturning(): boolean {
    const parameters = new URLSearchParams(this.place.search);
    return parameters.has('state') && (parameters.has('code') || parameters.has('error'));
  }

  /** The answer, which then stands in the address no more. */
  returned(): URL {
    const url = new URL(this.place.href);
    this.past.replaceState(null, '', this.home);
    return url;
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
