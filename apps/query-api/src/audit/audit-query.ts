import type { Filter } from 'mongodb';
import { z } from 'zod';
import { OUTCOMES, type AuditEvent } from '#service/audit/audit-event.js';
import { pageSizeParameter } from '#service/http/input-numbers.js';
import { instant } from '../order-query/query-values.js';

const text = z.string().min(1).max(200);

/** `GET /v1/audit`. */
export const AuditQuerySchema = z.strictObject({
  service: text.optional().describe('Only events of this service: `producer`, `console` or `facade`.'),
  action: text.optional().describe('Only events of this action, such as `populate`.'),
  subject: text.optional().describe('Only events of this subject of a token.'),
  clientId: text.optional().describe('Only events of this client.'),
  target: text.optional().describe('Only events about this operation, run or capability, by its id.'),
  outcome: z
    .enum(OUTCOMES)
    .optional()
    .describe('Only events with this outcome: `done`, `refused` (4xx) or `failed` (5xx).'),
  from: instant('first').optional().describe('Only events from then on: a date (UTC), or a date and time with a zone.'),
  to: instant('last').optional().describe('Only events until then, inclusive: a date is the whole day in UTC.'),
  before: z
    .guid('must be the id of an event')
    .toLowerCase()
    .optional()
    .describe('Cursor of the next page: only events before this one. Take it from `next`.'),
  pageSize: pageSizeParameter('Events', { maximum: 1_000, byDefault: 100 }),
});

export type AuditQuery = z.infer<typeof AuditQuerySchema>;

/** Converts a query to a MongoDB filter. */
export function toMongoFilter({ from, to, before, pageSize: _size, ...equal }: AuditQuery): Filter<AuditEvent> {
  const ids: { $gte?: string; $lt?: string } = {};
  if (from !== undefined) ids.$gte = idFrom(from.getTime());
  const ends = [before, to && idFrom(to.getTime() + 1)].filter((end) => end !== undefined);
  if (ends.length > 0) ids.$lt = ends.reduce((a, b) => (a < b ? a : b));
  const given = Object.entries(equal).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(given), ...((from !== undefined || ends.length > 0) && { _id: ids }) };
}

/** Returns the path of the page after the event `last`. @param query the parameters as they were given */
export function nextPage(query: Readonly<Record<string, unknown>>, last: string): string {
  const { before: _before, ...given } = query;
  const parameters = Object.entries(given).map(([name, value]): [string, string] => [name, String(value)]);
  return `/v1/audit?${new URLSearchParams([...parameters, ['before', last]]).toString()}`;
}

/** Returns the begin of the ids of a millisecond: a UUIDv7 begins with its time, in 48 bits. */
function idFrom(milliseconds: number): string {
  const time = Math.max(0, milliseconds).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}`;
}
