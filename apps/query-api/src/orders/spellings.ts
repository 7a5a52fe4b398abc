/** The fields of an order with a text that its source has chosen. */
export type TextField = 'accountId' | 'symbol';

/**
 * Returns the texts that a filter may mean, the likeliest last: as it was typed, without surrounding white space, and a symbol in upper
 * case. Orders with exactly the typed text come first, so that they can be found.
 */
export function spellingsOf(field: TextField, typed: string): readonly string[] {
  const trimmed = typed.trim();
  const spellings = [typed, trimmed, ...(field === 'symbol' ? [trimmed.toUpperCase()] : [])];
  return [...new Set(spellings)].filter((spelling) => spelling !== '');
}
