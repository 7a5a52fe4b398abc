import { z } from 'zod';
import { parseJsonFile } from '../watched-file.js';
import type { Difference } from './differences.js';

const RuleSchema = z.strictObject({
  /**
   * The path of a difference, such as `createdAt`, `*.createdAt` or `1001.price`: `*` stands for any one part. A path of one part also
   * matches the field of an order in a page or a range.
   */
  path: z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/),
  /** The last day on which the rule is valid, in UTC: `2027-01-31`. */
  expires: z.iso.date(),
  reason: z.string().trim().min(1).max(500),
});
const FileSchema = z.strictObject({ rules: z.array(RuleSchema).max(1_000) });

/** A difference that is known and accepted for some time, and why. */
type IgnoreRule = Readonly<z.infer<typeof RuleSchema>>;

const DAY_MS = 24 * 3_600_000;

/** Known differences. A rule that has expired ignores nothing, so that no difference is forgotten. */
export class IgnoreRules {
  constructor(readonly rules: readonly IgnoreRule[]) {}

  /** @throws Error that names the wrong rule, and what is allowed */
  static parse(text: string): IgnoreRules {
    const example = '{"rules": [{"path": "*.createdAt", "expires": "2027-01-31", "reason": "…"}]}';
    return new IgnoreRules(parseJsonFile(text, FileSchema, example).rules);
  }

  /** Returns the differences that no valid rule ignores. @param now milliseconds since 1970 */
  remaining(differences: readonly Difference[], now: number): Difference[] {
    const valid = this.rules.filter(({ expires }) => !isExpired(expires, now));
    return differences.filter(({ path }) => !valid.some((rule) => matches(rule.path, path)));
  }

  /** Returns the rules that have expired: remove them, or renew them with a reason. @param now milliseconds since 1970 */
  expired(now: number): readonly IgnoreRule[] {
    return this.rules.filter(({ expires }) => isExpired(expires, now));
  }
}

function isExpired(expires: string, now: number): boolean {
  return now >= Date.parse(expires) + DAY_MS;
}

function matches(pattern: string, path: string): boolean {
  const parts = path.split('.');
  const patternParts = pattern.split('.');
  const own = patternParts.length === 1 && parts.length === 2 && /^\d+$/.test(parts[0] ?? '') ? parts.slice(1) : parts;
  return own.length === patternParts.length && patternParts.every((part, at) => part === '*' || part === own[at]);
}
