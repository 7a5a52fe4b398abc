import { afterEach } from '@jest/globals';
import type { Credentials } from '../auth/credentials.js';
import { ProducerClient } from '../producer/producer-client.js';
import { ImmediateClock } from './immediate-clock.js';
import { LocalIssuer } from './local-issuer.js';
import { LocalProducer, type Answerer } from './local-producer.js';

/** A client, and the producer that it sends to. */
export interface ConnectedClient {
  readonly client: ProducerClient;
  readonly producer: LocalProducer;
  readonly clock: ImmediateClock;
}

/** Gives the specs of a file servers that stop after each of them. */
export function useServers() {
  const started: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map(async (server) => server.stop()));
  });
  const startProducer = async (answer: Answerer): Promise<LocalProducer> => {
    const producer = await LocalProducer.start(answer);
    started.push(producer);
    return producer;
  };
  return {
    startProducer,

    /** @param instead answers by path that replace the default ones */
    startIssuer: async (instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> => {
      const issuer = await LocalIssuer.start(instead);
      started.push(issuer);
      return issuer;
    },

    /** @param below the path of the producer */
    connect: async (answer: Answerer, credentials: Credentials = {}, below = ''): Promise<ConnectedClient> => {
      const producer = await startProducer(answer);
      const clock = new ImmediateClock();
      const client = new ProducerClient(`${producer.url}${below}`, { clock, random: () => 1 }, credentials);
      return { client, producer, clock };
    },
  };
}
