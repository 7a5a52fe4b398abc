import { hashOf, parseAddress, sectionOf, type Address } from './address.js';

/** Keeps the view and the address bar the same, so that links, reload, back and forward work. Emits `change`. */
export class Router extends EventTarget {
  address: Address | null;

  constructor(
    private readonly page: Window,
    private readonly location: Location,
    private readonly history: History,
  ) {
    super();
    this.address = parseAddress(location.hash);
  }

  /** The fragment of the URL when it selects nothing, though it is not empty; `null`: it is an address. */
  get unknown(): string | null {
    const { hash } = this.location;
    return this.address === null && hash.length > 1 ? hash : null;
  }

  start(): void {
    this.page.addEventListener('hashchange', () => {
      // Marks an entry that was reached from within the page, so that `leave` knows whether it can go back.
      if (this.history.state === null) this.history.replaceState({ isWithin: true }, '');
      this.address = parseAddress(this.location.hash);
      this.dispatchEvent(new Event('change'));
    });
  }

  /** Shows an address, as a link to it does. */
  go(address: Address): void {
    this.location.hash = hashOf(address);
  }

  /** Closes what the address selects: goes back to the view before it, or to its section when the page was opened with it. */
  leave(): void {
    if (this.address === null) return;
    if (this.history.state !== null) {
      this.history.back();
      return;
    }
    this.address = { view: 'section', section: sectionOf(this.address) };
    this.history.replaceState(null, '', hashOf(this.address));
    this.dispatchEvent(new Event('change'));
  }
}
