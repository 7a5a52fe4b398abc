import type { Filter } from 'mongodb';
import { z } from 'zod';
import { Controller, Get, Header, Query, Req } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { OUTCOMES, type AuditEvent, auditCollection } from '#service/audit/audit-trail.js';
import { pageSizeParameter, pageOf } from '#service/http/request-input.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { timeLimit } from '#orders/time-limit.js';
import { instant } from './order-query/order-query-parameters.js';

const eventText = z.string().min(1).max(200);

/** `GET /v1/audit`. */
export const AuditQuerySchema = z.strictObject({
  service: eventText.optional().describe('Only events of this service: `producer`, `console` or `facade`.'),
  action: eventText.optional().describe('Only events of this action, such as `populate`.'),
  subject: eventText.optional().describe('Only events of this subject of a token.'),
  clientId: eventText.optional().describe('Only events of this client.'),
  target: eventText.optional().describe('Only events about this operation, run or capability, by its id.'),
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

type AuditQuery = z.infer<typeof AuditQuerySchema>;

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

const AuditPageSchema = z
  .object({
    items: z.array(
      z
        .object({
          id: z.string(),
          at: z.iso.datetime(),
          service: z.string().describe('The service that received the request.'),
          action: z
            .string()
            .describe(
              '`unlisted-refusals` stands for refusals of a minute that are not listed one by one: see `count`.',
            ),
          subject: z.string().nullable().describe("The subject of the caller's token; null without a valid one."),
          clientId: z.string().nullable(),
          ip: z.string().describe("The caller's address, by the setting TRUST_PROXY."),
          requestId: z.string().describe('The header `X-Request-Id` of the response.'),
          target: z.string().nullable().describe('The operation, run or capability that the action is about.'),
          outcome: z.enum(OUTCOMES),
          status: z.int().describe('The HTTP status; 0 of `unlisted-refusals`.'),
          code: z.string().nullable().describe('The code of the problem.'),
          count: z.int().optional().describe('How many refusals the event stands for.'),
        })
        .meta({ title: 'AuditEvent' }),
    ),
    page: z.object({
      size: z.int(),
      next: z.string().optional().describe('Path of the next page; absent on the last page.'),
    }),
  })
  .meta({ title: 'AuditPage' });

type AuditPage = z.infer<typeof AuditPageSchema>;

const READ_WITHIN_MS = timeLimit(5_000);

@ApiTags('audit')
@RequiresScope('audit:read')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly mongo: Mongo) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List who changed what, newest first',
    description:
      'Requests to the producer, the console and the facade that change something, those that were refused included. Accepted orders are not audited one by one. Consumers and query APIs only log the requests for profiles. An event appears within about a second.',
  })
  @ApiOkResponse({ standardSchema: AuditPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
  async listAuditEvents(
    @Query({ schema: AuditQuerySchema }) query: AuditQuery,
    @Req() { query: given }: FastifyRequest,
  ): Promise<AuditPage> {
    const { pageSize } = query;
    const found = await auditCollection(this.mongo.db)
      .find(toMongoFilter(query), { maxTimeMS: READ_WITHIN_MS })
      .sort({ _id: -1 })
      .limit(pageSize + 1)
      .toArray();
    const { items: events, hasMore } = pageOf(found, pageSize);
    const last = events.at(-1);
    const next = hasMore && last !== undefined && { next: nextPage(given as Record<string, unknown>, last._id) };
    return { items: events.map(itemOf), page: { size: pageSize, ...next } };
  }
}

function itemOf({ _id: id, at, expiresAt: _expires, ...event }: AuditEvent): AuditPage['items'][number] {
  return { id, at: at.toISOString(), ...event };
}
