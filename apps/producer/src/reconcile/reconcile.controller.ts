import { Controller, HttpCode, HttpStatus, Injectable, Param, Post, Req, Res } from '@nestjs/common';
import { ApiConflictResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { FAULTS } from '#orders/generator/fault-mix.js';
import { ImportRowsMissingError } from '#orders/imports/import-rows.js';
import { OPERATION_KINDS } from '#orders/operation/operation.js';
import {
  ArchivedMeanwhileError,
  NothingToReconcileError,
  reconcile,
  UnknownOperationError,
} from '#reconcile/reconcile.js';
import { formatReport } from '#reconcile/report.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { type ConcurrencySettings, ConcurrencyLimit } from '#service/http/concurrency-limit.js';
import { notFound, Problem } from '#service/http/problem.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { OperationIdSchema } from '../operations/operation-requests.js';
import { FaultCountsSchema, OPERATION_STATUSES } from '../operations/operation-response.js';

/** The places of reconciliations, running and waiting: they run one after another. */
@Injectable()
export class ReconciliationPlaces extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'RECONCILIATIONS'>) {
    super({ setting: 'RECONCILIATIONS', name: 'reconciliations', code: 'too-many-reconciliations' }, limits);
  }
}

const count = z.int().min(0);
const blame = z.enum(['not-yet-saved', 'not-yet-projected', 'never-acknowledged', 'committed-past', 'saved-then-gone']);

/** The API response for the reconciliation of an operation. */
const ReconcileResponseSchema = z
  .object({
    operation: z.uuid(),
    kind: z.enum(OPERATION_KINDS),
    status: z.enum(OPERATION_STATUSES),
    verdict: z
      .enum(['holds', 'pending', 'broken'])
      .describe(
        '`holds`: ok, no order is lost, doubled or altered. `pending`: some orders are still in progress, and no mismatch was found. `broken`: a mismatch.',
      ),
    count,
    acked: count.describe('= saved + archived + deadLettered + discarded + skipped + altered + pending + missing'),
    saved: count.describe('Orders saved exactly as sent.'),
    archived: count.describe(
      'Orders that were saved, and are in archives now. Only the command can compare them with their files.',
    ),
    deadLettered: count.describe('Orders with a pending dead letter that are not saved.'),
    both: count.describe('Orders that are saved and also have a dead letter.'),
    discarded: count,
    skipped: count.describe('Orders of an import that already existed with the same content and another number.'),
    pending: count.describe('Acknowledged orders that are not processed yet.'),
    missing: count,
    doubled: count,
    altered: count,
    phantom: count.describe('Documents that match no order of the operation.'),
    savedUnacknowledged: count.describe(
      'Orders that are saved although the acknowledgement was not received. Not a defect.',
    ),
    settled: count.describe(
      'Of the acknowledged orders, those that were compared by the digest of their verified block.',
    ),
    neverAcknowledged: count,
    faults: z
      .object({ expected: FaultCountsSchema, found: FaultCountsSchema })
      .meta({ title: 'FoundFaults' })
      .nullable(),
    blames: z.partialRecord(blame, count),
    missingRecords: z
      .array(
        z
          .object({
            index: count,
            number: count,
            id: z
              .uuid()
              .nullable()
              .describe('`null`: unknown, because the processing metadata of the order is compacted.'),
            fault: z.enum(FAULTS).nullable(),
            partition: count.nullable(),
            offset: count.nullable(),
            blame,
            evidence: z.string().optional(),
          })
          .meta({ title: 'MissingRecord' }),
      )
      .readonly(),
    alteredOrders: z
      .array(
        z
          .object({ index: count, id: z.uuid(), fields: z.array(z.string()).readonly() })
          .meta({ title: 'AlteredOrder' }),
      )
      .readonly(),
    phantomOrders: z
      .array(
        z.object({ id: z.string(), number: z.int().nullable(), reason: z.string() }).meta({ title: 'PhantomOrder' }),
      )
      .readonly(),
    differingBlocks: z
      .array(
        z
          .object({
            first: count.describe('The lowest order number of the block.'),
            last: count.describe('The highest order number of the block.'),
            verified: count.describe('Orders that were saved when the block was verified.'),
            found: count,
            verifiedAt: z.iso.datetime(),
          })
          .meta({ title: 'DifferingBlock' }),
      )
      .readonly()
      .describe(
        'Verified blocks whose stored orders no longer match the digest. The lists above name their orders where these can be known.',
      ),
    archiveProblems: z.array(z.string()).readonly().describe('Always empty here: only the command reads archives.'),
    readAt: z.iso.datetime(),
    seconds: z.number(),
    ordersPerSecond: count,
    text: z.string().describe('The report as text.'),
  })
  .meta({ title: 'Reconciliation' });

type ReconcileResponse = z.infer<typeof ReconcileResponseSchema>;

@ApiTags('operations')
@RequiresScope('orders:read')
@Controller('v1/operations/:id/reconcile')
export class ReconcileController {
  /** The last reconciliation. They run one after another: each uses the full read throughput, so two would take twice as long. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly mongo: Mongo,
    private readonly positions: KafkaPositions,
    private readonly places: ReconciliationPlaces,
  ) {}

  @Post()
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Check that no order of an operation is lost, doubled or altered',
    description:
      'Compares every acknowledged order with MongoDB, byte for byte, and returns a reason for each missing one. Responds when done, at about 100,000 orders per second. Stops when the client disconnects.',
  })
  @ApiOkResponse({ standardSchema: ReconcileResponseSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such operation' })
  @ApiConflictResponse({
    description:
      'Problem details: nothing can be checked, because the rows of the import are missing, it is a redrive, or its orders are being archived',
  })
  async reconcileOperation(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ReconcileResponse> {
    this.places.hold(request, reply);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort(new Error('the client disconnected')));
    const report = this.last.then(async () => this.check(id, gone.signal));
    this.last = report.catch(() => undefined);
    return report;
  }

  private async check(operationId: string, signal: AbortSignal): Promise<ReconcileResponse> {
    signal.throwIfAborted();
    const { mongo, positions } = this;
    try {
      const report = await reconcile({ client: mongo.client, db: mongo.db, positions, operationId, signal });
      return { ...report, text: formatReport(report) };
    } catch (error) {
      if (error instanceof UnknownOperationError) throw notFound(error.message);
      if (
        error instanceof ImportRowsMissingError ||
        error instanceof NothingToReconcileError ||
        error instanceof ArchivedMeanwhileError
      )
        throw new Problem(HttpStatus.CONFLICT, error.code, error.message);
      throw error;
    }
  }
}
