import { HttpStatus, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { Problem } from '#service/problem.js';
import type { ComparisonRequest } from './comparison-request.js';
import { ComparisonResponseSchema, IDLE, type ComparisonResponse } from './comparison-response.js';

type Asked = ({ readonly type: 'compare' } & ComparisonRequest) | { readonly type: 'stop-compare' | 'tell-comparison' };

/** Whoever started this process, over the channel that it gave it. */
export interface ComparisonChannel {
  readonly connected: boolean;
  send?(message: Asked): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

const NewsSchema = z.union([
  z.object({ type: z.literal('comparison'), comparison: ComparisonResponseSchema }),
  z.object({ type: z.literal('comparison-ended'), error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** The comparison that the supervisor runs beside the stack, on servers and data of its own, as it tells of it. */
export class SupervisedComparison implements OnApplicationBootstrap {
  private latest: ComparisonResponse = IDLE;

  /**
   * @param channel `undefined`: nobody is there who could run one
   * @param now for what the supervisor says no time of
   */
  constructor(
    private readonly channel: ComparisonChannel | undefined,
    private readonly now: () => Date,
  ) {
    channel?.on('message', (message) => this.read(message));
  }

  get current(): ComparisonResponse {
    return this.latest;
  }

  /** One that an earlier process of this app has asked for goes on. */
  onApplicationBootstrap(): void {
    if (this.channel?.connected) this.channel.send?.({ type: 'tell-comparison' });
  }

  /** Asks for one; it begins afterwards. @throws Problem 409 where one runs, or nobody is there to run it */
  start(request: ComparisonRequest): ComparisonResponse {
    const channel = this.requireChannel();
    if (this.latest.state === 'running')
      throw new Problem(
        HttpStatus.CONFLICT,
        'comparison-runs',
        'A comparison runs already: wait for its end, or stop it with POST /v1/comparison/stop.',
      );
    const [minimum = 0, maximum = 0] = request.saveMs.split('..').map(Number);
    const { orders, full } = request;
    const startedAt = this.now().toISOString();
    this.latest = { ...IDLE, state: 'running', startedAt, orders, saveMs: { minimum, maximum }, full };
    channel.send({ type: 'compare', ...request });
    return this.latest;
  }

  /** Asks the one that runs to end; it does within seconds. Without one nothing happens. @throws Problem 409 where nobody is there */
  stop(): ComparisonResponse {
    this.requireChannel().send({ type: 'stop-compare' });
    return this.latest;
  }

  private read(message: unknown): void {
    const { data: news } = NewsSchema.safeParse(message);
    if (news?.type === 'comparison') this.latest = news.comparison;
    if (news?.type === 'comparison-ended') {
      const finishedAt = this.now().toISOString();
      this.latest = { ...this.latest, state: 'failed', finishedAt, current: null, error: news.error };
    }
  }

  private requireChannel(): { send(message: Asked): void } {
    const { channel } = this;
    if (channel?.send === undefined || !channel.connected)
      throw new Problem(
        HttpStatus.CONFLICT,
        'not-compared-here',
        'Comparisons are run beside `npm start` only. Without it: npm run compare.',
      );
    return { send: (message) => void channel.send?.(message) };
  }
}
