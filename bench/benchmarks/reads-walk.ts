import type { Benchmark } from '../harness/benchmark.js';
import { median } from '../harness/statistics.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';

const PAGE_SIZE = 1_000;
const QUICK_PAGE_SIZE = 100;
/** The first requests meet code that isn't compiled. */
const WARM_UP = 100;
const PARTS = 10;

interface Walk {
  /** Milliseconds of each page, in their order. */
  readonly pages: readonly number[];
  readonly orders: number;
}

/** By number: all there are. */
export const readsWalk = walkBenchmark(
  'reads-walk',
  'a walk by page tokens over all orders, its last tenth against its first',
  '/v1/orders?',
);

/** By another index, whose orders lie apart from each other. */
export const readsWalkFiltered = walkBenchmark(
  'reads-walk-filtered',
  'a walk over all orders of one symbol by date, its last tenth against its first',
  '/v1/orders?symbol=ACME&sort=createdAt&',
);

function walkBenchmark(name: string, about: string, path: string): Benchmark {
  return {
    name,
    about,
    measure: async (bench) => {
      const { uri } = await bench.savedOrders();
      const server = await startQueryApi(uri, 1);
      const size = bench.quick ? QUICK_PAGE_SIZE : PAGE_SIZE;
      try {
        for (let time = 0; time < WARM_UP; time += 1) await server.text(`${path}pageSize=${size}`);
        const before = await server.figures();
        const { pages, orders } = await walk(server, `${path}pageSize=${size}`);
        const { peakRssMiB, cpuSeconds } = await server.figures();
        const tenths = tenthsOf(pages);
        const [first = Number.NaN, last = Number.NaN] = [tenths[0], tenths.at(-1)];
        const run = { contender: 'query API', value: last, peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds };
        return {
          name,
          value: last,
          unit: 'ms/page',
          limit: first,
          ratio: first / last,
          ratioRange: [first / Math.max(...tenths), first / Math.min(...tenths)],
          // The last ones may take 1.2 times as long.
          requiredRatio: 1 / 1.2,
          peakRssMiB,
          maxRssMiB: null,
          cpuSeconds: run.cpuSeconds,
          noisy: false,
          runs: [run],
          notes: [`${orders} orders on ${pages.length} pages of ${size}, each met once; medians of tenths of the way`],
        };
      } finally {
        await server.stop();
      }
    },
  };
}

/** @throws Error when an order is met twice, or out of order: in this dataset dates rise with numbers */
async function walk(server: HttpServer, beginning: string): Promise<Walk> {
  const pages: number[] = [];
  let orders = 0;
  let reached = 0;
  for (let next: string | undefined = beginning; next !== undefined;) {
    const startedAt = performance.now();
    const text: string = await server.text(next);
    pages.push(performance.now() - startedAt);
    const { items, page } = JSON.parse(text) as { items: { number: number }[]; page: { next?: string } };
    for (const { number } of items) {
      if (number <= reached) throw new Error(`order ${number} comes after order ${reached}`);
      reached = number;
    }
    orders += items.length;
    next = page.next;
  }
  return { pages, orders };
}

/** The medians of ten stretches of the way. The last page of all may be short, which a median doesn't mind. */
function tenthsOf(pages: readonly number[]): number[] {
  const size = Math.floor(pages.length / PARTS);
  if (size === 0) throw new RangeError(`${pages.length} pages are too few for ${PARTS} parts`);
  return Array.from({ length: PARTS }, (_, part) => median(pages.slice(part * size, (part + 1) * size)));
}
