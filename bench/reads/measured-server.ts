import { Hundredths } from '../harness/hundredths.js';
import type { Measurement, Sample } from '../harness/measurement.js';
import type { HttpServer } from './http-server.js';

const SAMPLE_MS = 1_000;

/**
 * Measures the rate of a server, and the memory and CPU time of its process, while it answers.
 * @param expected number of records or requests
 * @param work sends the requests and reports completed records
 */
export async function measureServer(
  server: HttpServer,
  expected: number,
  work: (finished: (records: number) => void) => Promise<void>,
): Promise<Measurement> {
  const hundredths = new Hundredths(expected);
  const samples: Sample[] = [];
  const before = await server.figures();
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  let count = 0;
  const sample = async (): Promise<void> => {
    const { rssMiB } = await server.figures();
    samples.push({ atMs: elapsed(), rssMiB, finished: count });
  };
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sample();
  }, SAMPLE_MS);
  try {
    await work((records) => {
      count += records;
      hundredths.note(count, elapsed());
    });
    await sampling;
  } finally {
    clearInterval(timer);
  }
  const { cpuSeconds, peakRssMiB } = await server.figures();
  return { records: count, marks: hundredths.marks, cpuSeconds: cpuSeconds - before.cpuSeconds, peakRssMiB, samples };
}
