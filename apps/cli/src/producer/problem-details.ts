import { z } from 'zod';
import { CliError } from '../cli-error.js';
import { EXIT_CODE } from '../exit-code.js';
import { printable } from '../terminal/printable.js';
import { jsonIn } from './json-text.js';

/** RFC 9457 problem details, with the invalid fields that the services add. */
const ProblemSchema = z.looseObject({
  title: z.string().optional(),
  detail: z.string().optional(),
  code: z.string().optional(),
  errors: z
    .array(z.looseObject({ field: z.string().optional(), pointer: z.string().optional(), detail: z.string() }))
    .optional(),
});

type Problem = z.infer<typeof ProblemSchema>;

/** The statuses of invalid requests, for which a retry can't help. */
const WRONG_REQUEST = new Set([400, 422]);

/**
 * Converts an error response to an error; several invalid fields are listed, one a line. Its code is that of the problem details, or `unexpected-answer`
 * if the body is none, as from a server that is not a producer.
 * @param sent the method and URL of the request
 */
export function problemError(status: number, body: string, sent: string): CliError {
  const problem = problemIn(body);
  const exitCode = WRONG_REQUEST.has(status) ? EXIT_CODE.usage : EXIT_CODE.failed;
  if (problem === undefined)
    return new CliError(
      'unexpected-answer',
      `${sent} responded with ${status}.`,
      'Check that --url is the address of the producer.',
      { exitCode: EXIT_CODE.failed },
    );
  const { detail, title, code, errors = [] } = problem;
  const fields = errors.map((error) => printable(`${error.field ?? error.pointer ?? 'body'} ${error.detail}`));
  const [onlyField] = fields.length === 1 ? fields : [];
  const summary = fields.length > 1 ? 'Several values are invalid.' : printable(detail ?? title ?? `${status}`);
  const lines = [onlyField ?? summary, ...(onlyField === undefined ? fields.map((field) => `  ${field}`) : [])];
  const codeText = code === undefined ? '' : ` (${printable(code)})`;
  return new CliError(code ?? 'problem', lines.with(0, `${lines[0]}${codeText}`).join('\n'), '', { exitCode });
}

/** Returns the text of problem details for the terminal; undefined if the body is none. */
export function problemDetail(body: string): string | undefined {
  const { detail, title } = problemIn(body) ?? {};
  const text = detail ?? title;
  return text === undefined ? undefined : printable(text);
}

function problemIn(body: string): Problem | undefined {
  const { data } = ProblemSchema.safeParse(jsonIn(body));
  return (data?.detail ?? data?.title) === undefined ? undefined : data;
}
