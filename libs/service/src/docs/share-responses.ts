import { STATUS_CODES } from 'node:http';
import type { OpenAPIObject } from '@nestjs/swagger';

/** A response of some operation, where it stands. */
interface Place {
  readonly responses: Record<string, unknown>;
  readonly status: string;
  readonly text: string;
}

/**
 * Moves, for each status of errors, the response that most operations share to `components.responses`, such as `TooManyRequests`. Most of
 * the document would be repetitions of them.
 */
export function shareResponses(document: OpenAPIObject): void {
  const byStatus = Map.groupBy(errorsIn(document), ({ status }) => status);
  const shared: Record<string, unknown> = {};
  for (const [status, places] of byStatus) {
    const byText = [...Map.groupBy(places, ({ text }) => text)];
    const [text, same] = byText.toSorted(([, a], [, b]) => b.length - a.length)[0] ?? ['', []];
    if (same.length < 2) continue;
    const name = (STATUS_CODES[status] ?? status).replaceAll(/[^A-Za-z]/g, '');
    shared[name] = JSON.parse(text);
    for (const { responses } of same) responses[status] = { $ref: `#/components/responses/${name}` };
  }
  document.components = { ...document.components, responses: shared as never };
}

function errorsIn({ paths }: OpenAPIObject): Place[] {
  return Object.values(paths).flatMap((item) =>
    (['get', 'post', 'put', 'delete', 'patch'] as const).flatMap((method) => {
      const responses = item[method]?.responses ?? {};
      const errors = Object.keys(responses).filter((status) => Number(status) >= 400);
      return errors.map((status) => ({ responses, status, text: JSON.stringify(responses[status]) }));
    }),
  );
}
