import { Readable } from 'node:stream';
import { Controller, Get, Header, Res, type BeforeApplicationShutdown } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { PipelineResponseSchema, type PipelineResponse } from './pipeline-response.js';
import { PipelineWatch } from './pipeline-watch.js';

@ApiTags('pipeline')
@RequiresScope('orders:read')
@Controller('v1/pipeline')
export class PipelineController implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  constructor(private readonly watch: PipelineWatch) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the state of the pipeline', description: 'Unknown values are `null`, never 0.' })
  @ApiOkResponse({ standardSchema: PipelineResponseSchema })
  async pipeline(): Promise<PipelineResponse> {
    return this.watch.now();
  }

  @Get('events')
  @ApiOperation({ summary: 'Stream the state of the pipeline', description: 'Sends a `pipeline` event every second.' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Server-sent events. The stream does not end by itself.' })
  async events(@Res() reply: FastifyReply): Promise<void> {
    await reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      // Otherwise nginx would buffer the events.
      .header('X-Accel-Buffering', 'no')
      .send(Readable.from(this.each()));
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  private async *each(): AsyncGenerator<string> {
    let figures = await this.watch.now();
    while (!this.stopping.signal.aborted) {
      yield `event: pipeline\ndata: ${JSON.stringify(figures)}\n\n`;
      figures = await this.watch.following();
    }
  }
}
