import { z } from 'zod';

/** The kinds of values, as `expected` of an issue names them. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** Explains an issue whose schema has no text of its own: what is allowed, as a predicate of the field's name. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is required' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `must ${quantity('at least', issue.minimum, issue.origin)}`;
  if (issue.code === 'too_big') return `must ${quantity('at most', issue.maximum, issue.origin)}`;
  if (issue.code === 'unrecognized_keys') return `is unknown; allowed: ${namesIn(issue.inst).join(', ')}`;
  return undefined;
}

function quantity(limit: string, value: number | bigint, origin: string): string {
  const text = value.toLocaleString('en-US');
  if (origin === 'array') return `have ${limit} ${text} item${value === 1 ? '' : 's'}`;
  if (origin === 'string') return `have ${limit} ${text} character${value === 1 ? '' : 's'}`;
  return `be ${limit} ${text}`;
}

function namesIn(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Lets zod explain invalid input in the words of this API, in this process. A text in a schema has precedence. */
export function explainInput(): void {
  z.config({ customError: explain });
}
