import { z } from 'zod';
import {
  Catch,
  HttpException,
  HttpStatus,
  type ArgumentsHost,
  type ExceptionFilter,
  Body,
  Controller,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Req,
  UseFilters,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiBadRequestResponse, ApiConflictResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Problem } from '#service/http/problem.js';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { pageSizeParameter } from '#service/http/request-input.js';
import {
  CAPABILITIES,
  READ_STAGES,
  WRITE_STAGES,
  byCapability,
  stagesOf,
  type Capability,
  type MigrationSnapshot,
} from '../stages/stages.js';
import type { BucketStore } from '../writes/bucket-store.js';
import { errorRateOf, needsGate } from '../stages/gate.js';
import { ChangeRefusal } from '../stages/change-rules.js';
import type { AuditEntry, MigrationStore } from './migration-store.js';
import { type ChangeFacts, type GateReading, StageChanges } from './stage-changes.js';

const rate = z.number().min(0).max(1);
const milliseconds = z.number().min(0).nullable();

function bySide<T extends z.ZodType>(value: T, description: string) {
  return z.object({ legacy: value, new: value }).describe(description);
}

const GateConditionSchema = z
  .object({
    condition: z.string().meta({ examples: ['samples'] }),
    wanted: z
      .string()
      .describe('What it requires.')
      .meta({ examples: ['at least 1000 since the last change'] }),
    found: z.string().meta({ examples: ['412'] }),
    holds: z.boolean().describe('Whether it is met.'),
  })
  .meta({ title: 'GateCondition' });

const CapabilitySchema = z
  .object({
    stage: z.enum([...new Set([...WRITE_STAGES, ...READ_STAGES])]),
    percent: z.int().min(1).max(100).describe('These keys are at `stage`, the others at the stage before.'),
    version: z.int().min(1).describe('Counts the changes of this capability.'),
    since: z.iso.datetime(),
    cause: z.string().optional().describe('Why the last change was an automatic rollback.'),
    samples: z.int().min(0).describe('Compared answers since the last change.'),
    mismatches: z.int().min(0).describe('Differences that remained after the re-check, since the last change.'),
    errorRate: bySide(rate, 'Share of failed requests since the last change.'),
    p50Ms: bySide(milliseconds, 'Since the last change; `null` without a request.'),
    p99Ms: bySide(milliseconds, 'Since the last change; `null` without a request.'),
    pendingIntents: z.int().min(0).describe('Open write intents.'),
    gate: z.array(GateConditionSchema).describe('The conditions of the next step forward; empty if it needs none.'),
  })
  .meta({ title: 'CapabilityState' });

const MigrationSchema = z
  .object({
    revision: z.int().min(1).describe('Counts all changes of the migration.'),
    hold: z
      .object({ by: z.string(), reason: z.string(), since: z.iso.datetime() })
      .nullable()
      .describe('Blocks every change while it is set.'),
    change: z
      .object({
        stage: z.enum(WRITE_STAGES),
        percent: z.int().min(1).max(100),
        step: z
          .enum(['acknowledge', 'buckets', 'drain'])
          .describe('`acknowledge`: waits for the instances. `drain`: waits until the legacy system has all orders.'),
        by: z.string(),
        reason: z.string(),
        deadline: z.iso.datetime().describe('When it is abandoned, unless it is done.'),
      })
      .nullable()
      .describe('The change of writes that is in progress.'),
    instances: z
      .array(
        z
          .object({ name: z.string(), revision: z.int().min(0), refreshedAt: z.iso.datetime() })
          .meta({ title: 'FacadeInstance' }),
      )
      .describe('The registered facade instances, and the revision that each has applied.'),
    capabilities: z.object(
      Object.fromEntries(CAPABILITIES.map((name) => [name, CapabilitySchema])) as Record<
        (typeof CAPABILITIES)[number],
        typeof CapabilitySchema
      >,
    ),
  })
  .meta({ title: 'Migration' });

export type MigrationResponse = z.infer<typeof MigrationSchema>;

export const PendingIntentsSchema = z
  .object({
    count: z.int().min(0),
    items: z
      .array(
        z
          .object({
            id: z.string(),
            number: z.int().min(1).describe('The legacy number.'),
            accountId: z.string(),
            bucket: z.int().min(0).max(1_023),
            seq: z.int().min(1).describe('The position among the writes of the bucket.'),
            answering: z
              .enum(['legacy', 'new'])
              .describe('The primary: the side that answers the client. `new`: the target.'),
            legacy: z.enum(['open', 'stored', 'none']),
            new: z.enum(['open', 'sent', 'readable', 'none']),
            ageMs: z.int().min(0),
            attempts: z.int().min(0).describe('Attempts without an outcome.'),
            reason: z.string().nullable().describe('Why the last attempt had no outcome.'),
            instance: z.string().describe('The facade instance that admitted it.'),
          })
          .meta({ title: 'PendingIntent' }),
      )
      .describe('The oldest first; at most 1,000.'),
  })
  .meta({ title: 'PendingIntents' });

export const AuditSchema = z
  .object({
    items: z
      .array(
        z
          .object({
            id: z.string(),
            at: z.iso.datetime(),
            by: z.string(),
            action: z.enum(['change', 'done', 'abandoned', 'refusal', 'rollback', 'alert', 'hold', 'release']),
            reason: z.string(),
            revision: z.int().min(1),
            capability: z.string().optional(),
            from: z.string().optional(),
            to: z.string().optional(),
            isForced: z.boolean().optional(),
            code: z.string().optional().describe('Why it was refused.'),
            gate: z.array(GateConditionSchema).optional().describe('The gate as it was.'),
          })
          .meta({ title: 'AuditEntry' }),
      )
      .describe('The newest first.'),
  })
  .meta({ title: 'Audit' });

const MAX_PENDING = 1_000;

/** The migration as responses show it. */
export class MigrationView {
  constructor(
    private readonly store: MigrationStore,
    private readonly buckets: BucketStore,
    private readonly facts: ChangeFacts,
  ) {}

  async whole(): Promise<MigrationResponse> {
    const snapshot = await this.store.read();
    const reading = await this.facts.read(snapshot);
    const { revision, hold, change } = snapshot;
    return {
      revision,
      hold: hold && { ...hold, since: hold.since.toISOString() },
      change: change && {
        stage: change.stage,
        percent: change.percent,
        step: change.step,
        by: change.by,
        reason: change.reason,
        deadline: change.deadline.toISOString(),
      },
      instances: (await this.store.instances()).map(({ name, revision: applied, refreshedAt }) => ({
        name,
        revision: applied,
        refreshedAt: refreshedAt.toISOString(),
      })),
      capabilities: byCapability((capability) => this.capability(snapshot, capability, reading)),
    };
  }

  async pending(): Promise<z.infer<typeof PendingIntentsSchema>> {
    const now = this.buckets.now().getTime();
    const open = (await this.buckets.openBuckets()).flatMap(({ bucket, open: intents }) =>
      intents.map((intent) => ({
        id: intent.order.id,
        number: intent.order.legacy.number,
        accountId: intent.order.accountId,
        bucket,
        seq: intent.seq,
        answering: intent.answering,
        legacy: intent.legacy,
        new: intent.new,
        ageMs: Math.max(0, now - intent.admittedAt.getTime()),
        attempts: intent.attempts,
        reason: intent.lastError,
        instance: intent.instance,
      })),
    );
    const items = open.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, MAX_PENDING);
    return { count: open.length, items };
  }

  async audit(limit: number): Promise<z.infer<typeof AuditSchema>> {
    return { items: (await this.store.audit(limit)).map(entryOf) };
  }

  private capability(snapshot: MigrationSnapshot, capability: Capability, reading: GateReading) {
    const { since, ...state } = snapshot.capabilities[capability];
    const figures = reading.figures[capability];
    const stages = stagesOf(capability);
    const next = state.percent === 100 ? stages[stages.indexOf(state.stage) + 1] : state.stage;
    const gate =
      next !== undefined && needsGate(next) ? this.facts.gate(snapshot, { capability, stage: next }, reading) : [];
    return {
      ...state,
      since: since.toISOString(),
      samples: figures.samples,
      mismatches: figures.mismatches,
      errorRate: { legacy: errorRateOf(figures, 'legacy'), new: errorRateOf(figures, 'new') },
      p50Ms: { ...figures.p50Ms },
      p99Ms: { ...figures.p99Ms },
      pendingIntents: reading.intents.count,
      gate: [...gate],
    };
  }
}

function entryOf({ at, gate, ...entry }: AuditEntry): z.infer<typeof AuditSchema>['items'][number] {
  return { ...entry, at: at.toISOString(), ...(gate && { gate: [...gate] }) };
}

const CLIENT_ERRORS = new Set([400, 409]);

/** Adds the whole state to each 400 and 409, so that a client need not ask again what has not changed. */
@Catch()
class RefusalFilter implements ExceptionFilter {
  private readonly problems = new ProblemFilter();

  constructor(private readonly view: MigrationView) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const refused = await this.withState(error);
    const http = host.switchToHttp();
    this.problems.send(refused, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  private async withState(error: unknown): Promise<unknown> {
    const refused = error instanceof ChangeRefusal ? toProblem(error) : error;
    if (!(refused instanceof HttpException) || !CLIENT_ERRORS.has(refused.getStatus())) return refused;
    try {
      const state = await this.view.whole();
      const {
        code = 'bad-request',
        detail = refused.message,
        extensions = {},
        headers = {},
      } = refused as Partial<Problem>;
      return new Problem(statusOf(refused.getStatus()), code, detail, { ...extensions, state }, headers);
    } catch (unavailable) {
      return unavailable;
    }
  }
}

function toProblem({ status, code, message, gate }: ChangeRefusal): Problem {
  return new Problem(statusOf(status), code, message, gate.length > 0 ? { gate } : {});
}

function statusOf(status: number): HttpStatus {
  return status === 400 ? HttpStatus.BAD_REQUEST : HttpStatus.CONFLICT;
}

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
        'Overrides the gate and missing acknowledgements, and takes reads back first. It does not override `irreversible`.',
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
