import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Req, UseFilters } from '@nestjs/common';
import { ApiBadRequestResponse, ApiConflictResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Audited } from '#service/audit/audited.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { pageSizeParameter } from '#service/http/input-numbers.js';
import { AuditSchema, MigrationSchema, PendingIntentsSchema, type MigrationResponse } from './migration-response.js';
import { MigrationView } from './migration-view.js';
import { RefusalFilter } from './refusal-filter.js';
import { StageChanges } from './stage-changes.js';

const CapabilityParameter = z.string().describe('`writes`, `read-by-id`, `read-by-page` or `read-by-range`.');

const ReasonSchema = z.string().describe('Why, for the audit: 1 to 500 characters.');

const ChangeSchema = z
  .strictObject({
    stage: z.string().describe('`off`, `dualwrite` (writes) or `shadow` (reads), `live`, `complete`.'),
    percent: z.number().optional().describe('An integer from 1 to 100: these keys move. Default: 100.'),
    force: z
      .boolean()
      .optional()
      .describe(
        'Overrules the gate and missing acknowledgements, and takes reads back first. Not what is irreversible.',
      ),
    version: z.int().optional().describe('The version that the caller has seen; another one is a conflict.'),
    reason: ReasonSchema,
  })
  .meta({ title: 'StageChange' });

const HoldSchema = z.strictObject({ held: z.boolean(), reason: ReasonSchema.min(1).max(500) }).meta({ title: 'Hold' });

const AuditQuerySchema = z.strictObject({ pageSize: pageSizeParameter('Entries', { maximum: 1_000, byDefault: 100 }) });

@ApiTags('migration')
@ApiBadRequestResponse({ description: 'Problem details with the whole `state`, which has not changed' })
@RequiresScope('ops:migrate')
@UseFilters(RefusalFilter)
@Controller('v1/migration')
export class MigrationController {
  constructor(
    private readonly changes: StageChanges,
    private readonly view: MigrationView,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Where each capability is, and the gate of its next step' })
  @ApiOkResponse({ standardSchema: MigrationSchema })
  async getMigration(): Promise<MigrationResponse> {
    return this.view.whole();
  }

  @Get('pending')
  @ApiOperation({ summary: 'List the open write intents' })
  @ApiOkResponse({ standardSchema: PendingIntentsSchema })
  async listPendingIntents(): Promise<z.infer<typeof PendingIntentsSchema>> {
    return this.view.pending();
  }

  @Get('audit')
  @ApiOperation({ summary: 'List changes, refusals and rollbacks' })
  @ApiOkResponse({ standardSchema: AuditSchema })
  async listAudit(
    @Query({ schema: AuditQuerySchema }) { pageSize }: z.infer<typeof AuditQuerySchema>,
  ): Promise<z.infer<typeof AuditSchema>> {
    return this.view.audit(pageSize);
  }

  @Post('hold')
  @Audited('hold')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Block all changes, or allow them again' })
  @ApiOkResponse({ standardSchema: MigrationSchema })
  async hold(
    @Body({ schema: HoldSchema }) { held, reason }: z.infer<typeof HoldSchema>,
    @Req() request: FastifyRequest,
  ): Promise<MigrationResponse> {
    await this.changes.hold(held, reason, callerOf(request));
    return this.view.whole();
  }

  @Post(':capability')
  @Audited('change-stage')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Move a capability to a stage',
    description:
      'One stage at a time, or to another percentage. Responds once it is done. A stage that may not be reached now is refused, and nothing changes.',
  })
  @ApiOkResponse({ standardSchema: MigrationSchema })
  @ApiConflictResponse({
    description: 'Problem details with the whole `state`, and with every condition of the `gate`',
  })
  async changeStage(
    @Param('capability', { schema: CapabilityParameter }) capability: string,
    @Body({ schema: ChangeSchema }) change: z.infer<typeof ChangeSchema>,
    @Req() request: FastifyRequest,
  ): Promise<MigrationResponse> {
    await this.changes.request({ capability, ...change }, callerOf(request));
    return this.view.whole();
  }
}

/** Without tokens, the facade listens on loopback only. */
function callerOf({ caller }: FastifyRequest): string {
  return caller?.subject ?? 'anonymous';
}
