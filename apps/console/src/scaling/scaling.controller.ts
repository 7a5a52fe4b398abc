import { Body, Controller, HttpCode, HttpStatus, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { Audited } from '#service/auth/audit.interceptor.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { PipelineWatch } from '../pipeline/pipeline-watch.js';
import {
  ScalingRequestSchema,
  ScalingResponseSchema,
  type ScalingRequest,
  type ScalingResponse,
} from './scaling-request.js';
import { Supervisor } from './supervisor.js';

@ApiTags('pipeline')
@RequiresScope('ops:scale')
@Controller('v1/pipeline/consumers')
export class ScalingController {
  constructor(
    private readonly supervisor: Supervisor,
    private readonly watch: PipelineWatch,
  ) {}

  @Post()
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
}
