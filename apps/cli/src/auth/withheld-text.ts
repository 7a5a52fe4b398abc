/** Replaces a secret in a text by `***`, in case a server repeats it. */
export function redact(secret: string, text: string): string {
  return text.replaceAll(secret, '***');
}
