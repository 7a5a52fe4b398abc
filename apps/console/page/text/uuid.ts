const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Returns whether a text is a whole UUID, as the ids of orders and operations are. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** What an id looks like, for messages on a text that is none. */
export const ID_FORM = 'an id has 36 characters, such as 970844c7-0d33-82a3-ba87-000000001266';
