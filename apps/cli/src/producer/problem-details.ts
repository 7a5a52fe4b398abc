import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { printable } from '../terminal/printable.js';
import { jsonIn } from './json-text.js';

/** RFC 9457 problem details, and the bad fields that the services add to them. */
const ProblemSchema = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z
    .array(z.looseObject({ field: z.string().optional(), pointer: z.string().optional(), detail: z.string() }))
    .optional(),
});

type Problem = z.infer<typeof ProblemSchema>;

/** The statuses that say: what was asked for can't be understood, and asking again won't change that. */
const WRONG_REQUEST = new Set([400, 422]);

/**
 * An answer that is no success, as an error with a line for each bad field. Its code is the problem's; `unexpected-answer` where the
 * body is no problem details, as of something that is no producer.
 */
export function problemError(status: number, body: string, asked: string): CliError {
  const problem = problemIn(body);
  const exitCode = WRONG_REQUEST.has(status) ? EXIT_CODE.usage : EXIT_CODE.failed;
  if (problem === undefined)
    return new CliError('unexpected-answer', `${asked} answered ${status}.`, 'Is it the producer? --url names it.', {
      exitCode: EXIT_CODE.failed,
    });
  const { detail, title, code, errors = [] } = problem;
  const message = printable(detail ?? title ?? `${asked} answered ${status}.`);
  const fields = errors.map((error) => `  ${printable(`${error.field ?? error.pointer ?? 'body'}: ${error.detail}`)}`);
  return new CliError(
    code ?? 'problem',
    [`${message}${code === undefined ? '' : ` (${printable(code)})`}`, ...fields].join('\n'),
    '',
    { exitCode },
  );
}

/** What problem details say in words, for the terminal; undefined for what is none. */
export function problemDetail(body: string): string | undefined {
  const { detail, title } = problemIn(body) ?? {};
  const text = detail ?? title;
  return text === undefined ? undefined : printable(text);
}

function problemIn(body: string): Problem | undefined {
  const { data } = ProblemSchema.safeParse(jsonIn(body));
  return (data?.detail ?? data?.title) === undefined ? undefined : data;
}
