import { SummaryQuerySchema, type SummaryRequest } from '../summary-query.js';

/** Parses a query string as the service does. */
export function summaryRequest(query: string): SummaryRequest {
  const given: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const [, end] = /^createdAt\[(\w+)\]$/.exec(name) ?? [];
    if (end === undefined) given[name] = value;
    else given['createdAt'] = { ...(given['createdAt'] as object | undefined), [end]: value };
  }
  return SummaryQuerySchema.parse(given);
}
