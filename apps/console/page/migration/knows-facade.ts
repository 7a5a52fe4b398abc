import type { Client } from '../api/client.js';

/** Returns whether the console has a facade. Without an answer: no, so that the page has no link; the migration is still at its address. */
export async function knowsFacade(client: Client): Promise<boolean> {
  try {
    return (await client.get<{ readonly hasFacade: boolean }>('/page-settings.json')).hasFacade;
  } catch {
    return false;
  }
}
