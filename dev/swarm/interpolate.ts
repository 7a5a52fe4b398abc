/** `$$`, `${NAME}`, `${NAME:-default}`. Other forms are not used in the stack files. */
const VARIABLE = /\$\$|\$\{(?<name>[A-Z][A-Z0-9_]*)(?::-(?<byDefault>[^{}]*))?\}/g;

/**
 * Replaces variables in a text as Docker does.
 * @returns the text, and the names of variables without a value and without a default
 */
export function interpolate(
  text: string,
  values: Readonly<Record<string, string | undefined>>,
): { readonly text: string; readonly missing: readonly string[] } {
  const missing = new Set<string>();
  const replaced = text.replaceAll(VARIABLE, (_found, name: string | undefined, byDefault: string | undefined) => {
    if (name === undefined) return '$';
    const value = values[name] || byDefault;
    if (value === undefined) missing.add(name);
    return value ?? '';
  });
  return { text: replaced, missing: [...missing] };
}
