import { SummaryQuerySchema, type SummaryRequest } from '../summary-query.js';

/** What a query string asks for, as the service reads it. */
export function summaryRequest(query: string): SummaryRequest {
  const given: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const [, end] = /^createdAt\[(\w+)\]$/.exec(name) ?? [];
    if (end === undefined) given[name] = value;
    else given['createdAt'] = { ...(given['createdAt'] as object | undefined), [end]: value };
  }
  return SummaryQuerySchema.parse(given);
}
