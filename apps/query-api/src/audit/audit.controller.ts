import { Controller, Get, Header, Query, Req } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { auditCollection, type AuditEvent } from '#service/audit/audit-event.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { pageOf } from '#service/http/page-of.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { AuditQuerySchema, nextPage, toMongoFilter, type AuditQuery } from './audit-query.js';
import { AuditPageSchema, type AuditPage } from './audit-response.js';
import { timeLimit } from '#orders/time-limit.js';

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
      'Requests to the producer, the console and the facade that change something, those that were refused included. Accepted orders are not audited one by one. An event appears within about a second.',
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
