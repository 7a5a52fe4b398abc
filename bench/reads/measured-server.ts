import { Hundredths } from '../harness/hundredths.js';
import type { Measurement, Sample } from '../harness/measurement.js';
import type { HttpServer } from './http-server.js';

const SAMPLE_MS = 1_000;

/**
 * Measures a server while it answers: how fast, and what its process took meanwhile.
 * @param wanted records, or requests
 * @param work asks for them, and says how many more are there
 */
export async function measureServer(
  server: HttpServer,
  wanted: number,
  work: (finished: (records: number) => void) => Promise<void>,
): Promise<Measurement> {
  const hundredths = new Hundredths(wanted);
  const samples: Sample[] = [];
  const before = await server.figures();
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  let count = 0;
  const look = async (): Promise<void> => {
    const { rssMiB } = await server.figures();
    samples.push({ atMs: elapsed(), rssMiB, finished: count });
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = look();
  }, SAMPLE_MS);
  try {
    await work((records) => {
      count += records;
      hundredths.note(count, elapsed());
    });
    await looking;
  } finally {
    clearInterval(timer);
  }
  const { cpuSeconds, peakRssMiB } = await server.figures();
  return { records: count, marks: hundredths.marks, cpuSeconds: cpuSeconds - before.cpuSeconds, peakRssMiB, samples };
}
