/** Three parts in base64url: header, claims and signature (RFC 7515). */
const COMPACT_JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export type ReadToken = { readonly token: string; readonly fault?: undefined } | { readonly fault: string };

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
