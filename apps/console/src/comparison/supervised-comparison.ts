import { HttpStatus, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { Problem } from '#service/problem.js';
import type { ComparisonRequest } from './comparison-request.js';
import { ComparisonResponseSchema, IDLE, type ComparisonResponse } from './comparison-response.js';

type SupervisorRequest =
  ({ readonly type: 'compare' } & ComparisonRequest) | { readonly type: 'stop-compare' | 'tell-comparison' };

/** The IPC channel to the parent process. */
export interface ComparisonChannel {
  readonly connected: boolean;
  send?(message: SupervisorRequest): boolean;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

const MessageSchema = z.union([
  z.object({ type: z.literal('comparison'), comparison: ComparisonResponseSchema }),
  z.object({ type: z.literal('comparison-ended'), error: z.object({ code: z.string(), message: z.string() }) }),
]);

/** Starts, stops and tracks the comparison, which the supervisor runs beside the stack on separate servers and data. */
export class SupervisedComparison implements OnApplicationBootstrap {
  private latest: ComparisonResponse = IDLE;

  /**
   * @param channel `undefined` when no supervisor can run a comparison
   * @param now used when a message of the supervisor has no time
   */
  constructor(
    private readonly channel: ComparisonChannel | undefined,
    private readonly now: () => Date,
  ) {
    channel?.on('message', (message) => this.receive(message));
  }

  get current(): ComparisonResponse {
    return this.latest;
  }

  /** A comparison that an earlier console process started may still be running. */
  onApplicationBootstrap(): void {
    if (this.channel?.connected) this.channel.send?.({ type: 'tell-comparison' });
  }

  /** Requests a comparison, which starts later. @throws Problem 409 when one is running or no supervisor is connected */
  start(request: ComparisonRequest): ComparisonResponse {
    const channel = this.requireChannel();
    if (this.latest.state === 'running')
      throw new Problem(
        HttpStatus.CONFLICT,
        'comparison-runs',
        'A comparison is already running. Wait until it ends or stop it with POST /v1/comparison/stop.',
      );
    const [minimum = 0, maximum = 0] = request.saveMs.split('..').map(Number);
    const { orders, full } = request;
    const startedAt = this.now().toISOString();
    this.latest = { ...IDLE, state: 'running', startedAt, orders, saveMs: { minimum, maximum }, full };
    channel.send({ type: 'compare', ...request });
    return this.latest;
  }

  /** Stops the running comparison, if any, within seconds. @throws Problem 409 when no supervisor is connected */
  stop(): ComparisonResponse {
    this.requireChannel().send({ type: 'stop-compare' });
    return this.latest;
  }

  private receive(message: unknown): void {
    const { data } = MessageSchema.safeParse(message);
    if (data?.type === 'comparison') this.latest = data.comparison;
    if (data?.type === 'comparison-ended') {
      const finishedAt = this.now().toISOString();
      this.latest = { ...this.latest, state: 'failed', finishedAt, current: null, error: data.error };
    }
  }

  private requireChannel(): { send(message: SupervisorRequest): void } {
    const { channel } = this;
    if (channel?.send === undefined || !channel.connected)
      throw new Problem(
        HttpStatus.CONFLICT,
        'not-compared-here',
        'Comparisons run only under `npm start`. Otherwise use: npm run compare.',
      );
    return { send: (message) => void channel.send?.(message) };
  }
}
