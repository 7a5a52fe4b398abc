import { Controller, HttpCode, HttpStatus, Param, Post, Req, Res } from '@nestjs/common';
import { ApiConflictResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ImportRowsMissingError } from '#orders/imports/import-rows.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import {
  ArchivedMeanwhileError,
  NothingToReconcileError,
  reconcile,
  UnknownOperationError,
} from '#reconcile/reconcile.js';
import { formatReport } from '#reconcile/report.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { notFound, Problem } from '#service/http/problem.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { OperationIdSchema } from '../operations/operation-id.js';
import { ReconciliationPlaces } from './reconciliation-places.js';
import { ReconcileResponseSchema, type ReconcileResponse } from './reconcile-response.js';

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
