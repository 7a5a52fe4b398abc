import { Body, Controller, HttpCode, HttpStatus, Post, Req } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiConflictResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { PipelineWatch } from '../pipeline/pipeline-watch.js';
import type { ConsoleSettings } from '../settings-schema.js';
import { populateForCaller } from './populate-for-caller.js';
import {
  ScalingDemoRequestSchema,
  ScalingDemoSchema,
  type ScalingDemoRequest,
  type ScalingDemoView,
} from './scaling-demo-response.js';
import { ScalingDemo } from './scaling-demo.js';

/** Where the test orders are generated. */
export abstract class ScalingDemoSettings {
  abstract readonly PRODUCER_URL: ConsoleSettings['PRODUCER_URL'];
}

@ApiTags('pipeline')
@RequiresScope('ops:scale')
@Controller('v1/pipeline/scaling-demo')
export class ScalingDemoController {
  constructor(
    private readonly demo: ScalingDemo,
    private readonly watch: PipelineWatch,
    private readonly settings: ScalingDemoSettings,
  ) {}

  @Post()
  @HttpCode(HttpStatus.ACCEPTED)
  // The producer would refuse the test orders only after the consumers have been changed.
  @RequiresScope(['ops:scale', 'orders:write'])
  @Audited('start-scaling-demo')
  @ApiOperation({
    summary: 'Show the effect of more consumers',
    description:
      'Sets a low in-flight limit and one consumer, generates test orders, scales to three, and compares the rates: about a minute. `scalingDemo` in `GET /v1/pipeline` has its state. It restores the limit and the number of consumers at every end.',
  })
  @ApiAcceptedResponse({ standardSchema: ScalingDemoSchema })
  @ApiBadRequestResponse({ description: 'Problem details naming every invalid field' })
  @ApiConflictResponse({
    description: 'Problem details: scaling is not possible, the pipeline or the machine is busy, or a demo is running',
  })
  @ApiServiceUnavailableResponse({ description: 'Problem details: what scales the consumers does not answer' })
  async startScalingDemo(
    @Req() request: FastifyRequest,
    @Body({ schema: ScalingDemoRequestSchema }) { ignoreLoad }: ScalingDemoRequest,
  ): Promise<ScalingDemoView> {
    const { ip, headers } = request;
    const { authorization } = headers;
    const { PRODUCER_URL } = this.settings;
    const started = await this.demo.start(
      async (orders) => populateForCaller(PRODUCER_URL, { authorization, ip }, orders),
      ignoreLoad,
    );
    // The state of the pipeline has it before the caller reads the state again.
    await this.watch.following();
    return started;
  }

  @Post('cancel')
  @HttpCode(HttpStatus.ACCEPTED)
  @Audited('cancel-scaling-demo')
  @ApiOperation({
    summary: 'Stop the scaling demo',
    description: 'It restores what it has changed. Test orders that were generated are saved nevertheless.',
  })
  @ApiAcceptedResponse({ standardSchema: ScalingDemoSchema })
  @ApiConflictResponse({ description: 'Problem details: no demo is running' })
  cancelScalingDemo(): ScalingDemoView {
    return this.demo.cancel();
  }
}
