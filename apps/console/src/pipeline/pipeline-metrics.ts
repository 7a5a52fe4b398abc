import { Counter, Gauge, type Registry } from 'prom-client';
import { isHeard } from './pipeline-figures.js';
import type { PipelineSnapshot } from './pipeline-snapshots.js';

/** By partition; a value that is unknown is left out. */
type Values = readonly (readonly [partition: number, value: number])[];

/**
 * The figures of the pipeline as a whole, which nobody else tells when its consumers are gone. A scrape is somebody who looks, once: it
 * doesn't make a watch of it, and waits no longer than one look may take. What is unknown has no sample.
 * @param look with its own questions: those of a watch may be under way, and are not asked twice
 */
export function exposePipeline(look: () => Promise<PipelineSnapshot>, registry: Registry): void {
  let looking: Promise<PipelineSnapshot> | undefined;
  // All metrics of one scrape come of one look.
  const shared = async (): Promise<PipelineSnapshot> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  counter('pipeline_topic_records_total', "Records ever written to the orders' topic", ({ ends }) => [...(ends ?? [])]);
  counter(
    'pipeline_committed_records_total',
    'Records of the topic that the consumers have committed as finished',
    ({ committed }) => [...(committed ?? [])],
  );
  gauge('pipeline_lag_records', 'Records that are written and not committed as finished', lagOf);
  gauge('pipeline_dead_letters_pending', 'Dead letters that wait for somebody', ({ deadLetters }) => deadLetters);
  gauge(
    'pipeline_consumers',
    'Consumers that are heard of, by their heartbeats',
    ({ consumers }) => consumers?.filter(isHeard).length ?? null,
  );

  function counter(name: string, help: string, read: (seen: PipelineSnapshot) => Values): void {
    const made: Counter = new Counter({
      name,
      help,
      labelNames: ['partition'],
      registers: [registry],
      collect: async () => {
        const values = read(await shared());
        made.reset();
        for (const [partition, value] of values) made.inc({ partition }, value);
      },
    });
  }

  function gauge(name: string, help: string, read: (seen: PipelineSnapshot) => Values | number | null): void {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: ['partition'],
      registers: [registry],
      collect: async () => {
        const value = read(await shared());
        made.reset();
        // Of the whole: without the label, which is there because a gauge that has none would tell 0 for what is unknown.
        if (typeof value === 'number') made.set({}, value);
        else for (const [partition, each] of value ?? []) made.set({ partition }, each);
      },
    });
  }
}

function lagOf({ ends, committed }: PipelineSnapshot): Values {
  return [...(ends ?? [])].flatMap(([partition, end]) => {
    const at = committed?.get(partition);
    return at === undefined ? [] : [[partition, Math.max(0, end - at)] as const];
  });
}
