import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/problem.js';

/** Whoever started this process, over the channel that it gave it. */
export interface SupervisorChannel {
  readonly connected: boolean;
  send?(message: { readonly type: 'scale'; readonly consumers: number }): boolean;
}

/** The process that runs the consumers under `npm start`, and starts and drains them. */
export class Supervisor {
  /** @param channel `undefined`: consumers are run by something else */
  constructor(private readonly channel: SupervisorChannel | undefined) {}

  /** Asks for so many; it happens afterwards. @throws Problem 409 where nobody is there to do it */
  scale(consumers: number): void {
    if (this.channel?.send === undefined || !this.channel.connected)
      throw new Problem(
        HttpStatus.CONFLICT,
        'not-scaled-here',
        'The consumers are not run by `npm start`. In Docker Compose: docker compose up --no-recreate --scale consumer=N.',
      );
    this.channel.send({ type: 'scale', consumers });
  }
}
