import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '#service/auth/audit.interceptor.js';
import { setInFlightOverride } from '#orders/in-flight-override.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { Mongo } from '#service/mongo.js';
import { PipelineWatch } from '../pipeline/pipeline-watch.js';
import {
  InFlightRequestSchema,
  ScalingRequestSchema,
  ScalingResponseSchema,
  type InFlightRequest,
  type ScalingRequest,
  type ScalingResponse,
} from './scaling-request.js';
import { Supervisor } from './supervisor.js';

@ApiTags('pipeline')
@RequiresScope('ops:scale')
@Controller('v1/pipeline')
export class ScalingController {
  constructor(
    private readonly supervisor: Supervisor,
    private readonly watch: PipelineWatch,
    private readonly mongo: Mongo,
  ) {}

  @Post('consumers')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('scale')
  @ApiOperation({ summary: 'Start or drain consumers, until so many run', description: 'Under `npm start` only.' })
  @ApiAcceptedResponse({ standardSchema: ScalingResponseSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad field' })
  @ApiConflictResponse({ description: 'Problem details: the consumers are run by something else' })
  async scale(@Body({ schema: ScalingRequestSchema }) { count }: ScalingRequest): Promise<ScalingResponse> {
    this.supervisor.scale(count);
    const { partitions } = await this.watch.now();
    return { count, idle: partitions && Math.max(0, count - partitions.length) };
  }

  @Post('in-flight')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('set-in-flight')
  @ApiOperation({
    summary: 'Set how many orders each consumer has in flight',
    description:
      'All consumers take it up within a second or two, those of Docker Compose too, and keep it until they are restarted by `npm start`.',
  })
  @ApiAcceptedResponse({ standardSchema: InFlightRequestSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every bad field' })
  async setInFlight(@Body({ schema: InFlightRequestSchema }) request: InFlightRequest): Promise<InFlightRequest> {
    await setInFlightOverride(this.mongo.db, request.limit);
    return request;
  }
}
