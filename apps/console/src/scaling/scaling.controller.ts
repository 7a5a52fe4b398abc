import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '#service/audit/audit-requests.js';
import { setInFlightOverride } from '#orders/consumer/consumers.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { AutoscalingStatus } from '../autoscaling/autoscaling-status.js';
import { PipelineWatch } from '../pipeline/pipeline-watch.js';
import { ScalingDemoStatus } from '../scaling-demo/scaling-demo.js';
import {
  InFlightRequestSchema,
  ScalingRequestSchema,
  ScalingResponseSchema,
  type InFlightRequest,
  type ScalingRequest,
  type ScalingResponse,
} from './scaling-request.js';
import { Supervisor } from './scaling-target.js';

@ApiTags('pipeline')
@RequiresScope('ops:scale')
@Controller('v1/pipeline')
export class ScalingController {
  constructor(
    private readonly supervisor: Supervisor,
    private readonly watch: PipelineWatch,
    private readonly mongo: Mongo,
    private readonly autoscaling: AutoscalingStatus,
    private readonly demo: ScalingDemoStatus,
  ) {}

  @Post('consumers')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('scale')
  @ApiOperation({ summary: 'Set the number of consumers', description: 'Only under `npm start`.' })
  @ApiAcceptedResponse({ standardSchema: ScalingResponseSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every invalid field' })
  @ApiConflictResponse({
    description: 'Problem details: the consumers are not managed by `npm start`, or a scaling demo is running',
  })
  async scale(@Body({ schema: ScalingRequestSchema }) { count }: ScalingRequest): Promise<ScalingResponse> {
    this.demo.requireNone();
    const request = this.supervisor.scale(count);
    this.autoscaling.noteByHand(count);
    await this.watch.now();
    const partitions = this.watch.partitionCount;
    return { count, idle: partitions === null ? null : Math.max(0, count - partitions), request };
  }

  @Post('in-flight')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('set-in-flight')
  @ApiOperation({
    summary: 'Set the in-flight limit of each consumer',
    description:
      'All consumers, also those of Docker Compose, apply it within two seconds, and keep it until it is changed. A new `npm start` begins without it.',
  })
  @ApiAcceptedResponse({ standardSchema: InFlightRequestSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every invalid field' })
  @ApiConflictResponse({ description: 'Problem details: a scaling demo is running' })
  async setInFlight(@Body({ schema: InFlightRequestSchema }) request: InFlightRequest): Promise<InFlightRequest> {
    this.demo.requireNone();
    await setInFlightOverride(this.mongo.db, request.limit);
    return request;
  }
}
