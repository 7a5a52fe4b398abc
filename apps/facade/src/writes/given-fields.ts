/** A body that is a JSON object with at least one field. */
type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of a body as the legacy system reads them; `undefined` if it rejects the body anyway. */
export function fieldsOf(body: string): Fields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const isFilled =
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  return isFilled ? (value as Fields) : undefined;
}

/**
 * Adds a field in front of the others, as text: the client's own digits stay as they are.
 * @param body a JSON object with at least one field, and without this one
 */
export function withField(body: string, name: 'id' | 'number', value: string | number): string {
  return body.replace('{', () => `{${JSON.stringify(name)}:${JSON.stringify(value)},`);
}
