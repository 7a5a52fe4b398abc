/** A text from elsewhere that must not show a secret, should it repeat it. */
export function without(secret: string, text: string): string {
  return text.replaceAll(secret, '***');
}
