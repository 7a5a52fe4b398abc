import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';

/** The IPC channel to the parent process. */
export interface SupervisorChannel {
  readonly connected: boolean;
  send?(message: { readonly type: 'scale'; readonly consumers: number }): boolean;
}

/** Sends requests to the process that starts and drains the consumers under `npm start`. */
export class Supervisor {
  /** @param channel `undefined` when the consumers are not managed by `npm start` */
  constructor(private readonly channel: SupervisorChannel | undefined) {}

  /** Requests a number of consumers; they start or drain later. @throws Problem 409 when no supervisor is connected */
  scale(consumers: number): void {
    if (this.channel?.send === undefined || !this.channel.connected)
      throw new Problem(
        HttpStatus.CONFLICT,
        'not-scaled-here',
        'The consumers are not managed by `npm start`. In Docker Compose: docker compose up --no-recreate --scale consumer=N.',
      );
    this.channel.send({ type: 'scale', consumers });
  }
}
