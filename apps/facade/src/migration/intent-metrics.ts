import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '@orders-pipeline/clock';
import type { ChangeFacts, IntentFigures } from './change-facts.js';
import { readForScrapes } from './scrape-reading.js';

const MS_PER_SECOND = 1_000;

/** Exposes the open intents of all instances, read at each scrape. While MongoDB is away, they have no samples. */
export function exposeIntents(facts: Pick<ChangeFacts, 'intents'>, clock: Clock, registry: Registry): void {
  const read = readForScrapes(async () => facts.intents(), clock);
  expose('facade_open_intents', 'Write intents that are not final on both sides', ({ count }) => count);
  expose(
    'facade_oldest_intent_seconds',
    'Age of the oldest open write intent; 0 without any',
    ({ oldestMs }) => oldestMs / MS_PER_SECOND,
  );

  function expose(name: string, help: string, value: (intents: IntentFigures) => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: async () => {
        const intents = await read();
        if (intents === undefined) gauge.remove();
        else gauge.set(value(intents));
      },
    });
  }
}
