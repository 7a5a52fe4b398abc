import { Readable } from 'node:stream';
import {
  Controller,
  Get,
  Header,
  Req,
  Res,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { EventStreams } from '#service/http/concurrency-limit.js';
import {
  PipelineHistorySchema,
  PipelineResponseSchema,
  type PipelineResponse,
  type PipelineHistory,
} from './pipeline-response.js';
import { PipelineWatch } from './pipeline-watch.js';

/** Produces the server-sent events of the pipeline. */
export class PipelineEvents {
  private isStopped = false;
  private latest: { readonly figures: PipelineResponse; readonly text: string } | undefined;
  /** The last decision of the autoscaler that was sent, by its id. */
  private decisionId: string | undefined;

  constructor(private readonly watch: PipelineWatch) {}

  /**
   * Yields a `pipeline` event each second until `stop`, and before it a `decision` event when the autoscaler has made one. A client that reads
   * slowly misses events: nothing is stored for it, and its next event is the newest.
   */
  async *each(): AsyncGenerator<string> {
    let figures = await this.watch.now();
    while (!this.isStopped) {
      yield this.textOf(figures);
      figures = await this.watch.following();
    }
  }

  /** Ends all streams with the next snapshot. */
  stop(): void {
    this.isStopped = true;
  }

  /** All clients share the text. */
  private textOf(figures: PipelineResponse): string {
    if (this.latest?.figures !== figures)
      this.latest = {
        figures,
        text: `${this.decisionOf(figures)}event: pipeline\ndata: ${JSON.stringify(figures)}\n\n`,
      };
    return this.latest.text;
  }

  private decisionOf({ autoscaling }: PipelineResponse): string {
    const newest = autoscaling?.newest ?? null;
    if (newest === null || newest.id === this.decisionId) return '';
    this.decisionId = newest.id;
    return `event: decision\ndata: ${JSON.stringify(newest)}\n\n`;
  }
}

@ApiTags('pipeline')
@RequiresScope('orders:read')
@Controller('v1/pipeline')
export class PipelineController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly events: PipelineEvents;

  constructor(
    private readonly watch: PipelineWatch,
    private readonly streams: EventStreams,
  ) {
    this.events = new PipelineEvents(watch);
  }

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Get the state of the pipeline', description: 'Unknown values are `null`, never 0.' })
  @ApiOkResponse({ standardSchema: PipelineResponseSchema })
  async pipeline(): Promise<PipelineResponse> {
    return this.watch.now();
  }

  @Get('history')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get the figures of the last hour',
    description: 'Recorded since the start of the console, whether or not its page is open. Kept in memory.',
  })
  @ApiOkResponse({ standardSchema: PipelineHistorySchema })
  history(): PipelineHistory {
    return { series: this.watch.recorded() };
  }

  @Get('events')
  @ApiOperation({ summary: 'Stream the state of the pipeline', description: 'Sends a `pipeline` event every second.' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'Server-sent events. The stream ends when the token expires.' })
  async streamEvents(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.streams.hold(request, reply);
    await reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-store')
      // Otherwise nginx would buffer the events.
      .header('X-Accel-Buffering', 'no')
      .send(Readable.from(this.events.each()));
  }

  onApplicationBootstrap(): void {
    void this.watch.run();
  }

  beforeApplicationShutdown(): void {
    this.events.stop();
    this.watch.stop();
  }
}
