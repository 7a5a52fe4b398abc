import { Link } from './link.js';
import type { LinkState } from './link-state.js';

/** A link with the names of its client and its server. */
export interface NamedLink {
  readonly from: string;
  readonly to: string;
  readonly link: Link;
}

/** Client name of a server's peers, the other nodes of its kind, which share one link to it. */
export const PEERS = 'peers';

/** All links of a cluster: one from each app to each server, and one from each server's peers to it. */
export class Links {
  private readonly all: NamedLink[] = [];

  /** @param port port on which `to` listens @returns the port to which `from` connects */
  async add(from: string, to: string, port: number): Promise<number> {
    const link = await Link.to(port);
    this.all.push({ from, to, link });
    return link.port;
  }

  /** Finds links by client, by server, by both, or all. */
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
