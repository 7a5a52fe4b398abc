import { Link } from './link.js';
import type { LinkState } from './link-state.js';

/** A link by who connects and what is connected to. */
export interface NamedLink {
  readonly from: string;
  readonly to: string;
  readonly link: Link;
}

/** The other nodes of a server's own kind, all of which reach it over one link. */
export const PEERS = 'peers';

/** The ways from each app to each server, and from each server's peers to it: each app has its own, which none of the others shares. */
export class Links {
  private readonly all: NamedLink[] = [];

  /** @param port where `to` listens @returns where `from` finds it */
  async add(from: string, to: string, port: number): Promise<number> {
    const link = await Link.to(port);
    this.all.push({ from, to, link });
    return link.port;
  }

  /** Those of an app, of a server, of both, or all. */
  where({ from, to }: { readonly from?: string; readonly to?: string }): readonly NamedLink[] {
    return this.all.filter((each) => (from ?? each.from) === each.from && (to ?? each.to) === each.to);
  }

  set(links: readonly NamedLink[], state: LinkState): void {
    for (const { link } of links) link.set(state);
  }

  openAll(): void {
    this.set(this.all, { kind: 'open' });
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(async ({ link }) => link.close()));
  }
}
