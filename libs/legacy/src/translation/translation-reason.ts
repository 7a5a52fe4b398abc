import { NumberText } from '../json/strict-json.js';
import { FieldRefusal, isObject, type LegacyCode } from '../row/legacy-fields.js';

/** Why an order can not be translated exactly. Nothing is rounded or guessed instead. */
export interface TranslationReason {
  /** Stable. */
  readonly code: LegacyCode;
  /** The invalid field; absent if the order as a whole is invalid. */
  readonly field?: string;
  /** The invalid value as JSON, at most 64 characters of it; absent if the field is missing. */
  readonly value?: string;
  /** What is allowed. */
  readonly detail: string;
}

const SHOWN_CHARACTERS = 64;

/**
 * Runs a translation, and turns the `FieldRefusal` that it throws into a reason.
 * @param source returns the fields whose values are shown
 */
export function translate<T>(source: () => unknown, run: () => T): T | { readonly reason: TranslationReason } {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof FieldRefusal)) throw error;
    const { code, field, detail } = error;
    const value = shown(field === undefined ? source() : valueAt(source(), field));
    return {
      reason: { code, ...(field !== undefined && { field }), ...(value !== undefined && { value }), detail },
    };
  }
}

function valueAt(source: unknown, field: string): unknown {
  if (!isObject(source) || Object.hasOwn(source, field)) return isObject(source) ? source[field] : undefined;
  // A nested field, such as `legacy.number`.
  const [outer = '', ...inner] = field.split('.');
  return inner.length === 0 ? undefined : valueAt(source[outer], inner.join('.'));
}

/** Returns a value as JSON, shortened; `undefined` if there is none. */
function shown(value: unknown): string | undefined {
  const text = asJson(value);
  return text !== undefined && text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

function asJson(value: unknown): string | undefined {
  if (value instanceof NumberText) return value.text;
  // Shortened before it is encoded: it may have megabytes.
  if (typeof value === 'string') return JSON.stringify(value.slice(0, SHOWN_CHARACTERS + 1));
  if (Array.isArray(value)) return '[…]';
  return isObject(value) ? '{…}' : JSON.stringify(value);
}
