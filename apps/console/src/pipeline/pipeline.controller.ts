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
  @ApiOperation({ summary: 'How the pipeline is', description: 'What is unknown is `null`, never 0.' })
  @ApiOkResponse({ standardSchema: PipelineResponseSchema })
  async pipeline(): Promise<PipelineResponse> {
    return this.watch.now();
  }

  @Get('events')
  @ApiOperation({ summary: 'The same, once a second', description: 'Server-sent events, `pipeline` each.' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'The stream. It does not end by itself.' })
  async events(@Res() reply: FastifyReply): Promise<void> {
    await reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      // nginx would gather what is meant to be seen as it comes.
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
