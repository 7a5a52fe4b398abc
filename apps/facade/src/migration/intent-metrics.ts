import { Gauge, type Registry } from 'prom-client';
import type { ChangeFacts } from './change-facts.js';

const MS_PER_SECOND = 1_000;

/** Exposes the open intents of all instances, read at each scrape. While MongoDB is away, the last values stay. */
export function exposeIntents(facts: Pick<ChangeFacts, 'intents'>, registry: Registry): void {
  const oldest = new Gauge({
    name: 'facade_oldest_intent_seconds',
    help: 'Age of the oldest open write intent; 0 without any',
    registers: [registry],
  });
  const open: Gauge = new Gauge({
    name: 'facade_open_intents',
    help: 'Write intents that are not final on both sides',
    registers: [registry],
    collect: async () => {
      const intents = await facts.intents().catch(() => undefined);
      if (intents === undefined) return;
      open.set(intents.count);
      oldest.set(intents.oldestMs / MS_PER_SECOND);
    },
  });
}
