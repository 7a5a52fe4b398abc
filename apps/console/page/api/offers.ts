import type { Client } from './client.js';

/** What the console offers, by its settings. */
export interface Offers {
  /** Whether there is a migration. */
  readonly hasFacade: boolean;
  /** Whether a populate may have faulty records. */
  readonly allowsFaults: boolean;
}

export const NO_OFFERS: Offers = { hasFacade: false, allowsFaults: false };

/** Returns what the console offers. Without an answer: nothing, so that the page has no link; the migration is still at its address. */
export async function findOffers(client: Client): Promise<Offers> {
  try {
    return await client.get<Offers>('/page-settings.json');
  } catch {
    return NO_OFFERS;
  }
}
