import type { Benchmark } from '../harness/benchmark.js';
import { median } from '../harness/statistics.js';
import type { HttpServer } from '../reads/http-server.js';
import { startQueryApi } from '../reads/read-servers.js';

const PAGE_SIZE = 1_000;
const QUICK_PAGE_SIZE = 100;
/** Requests during which V8 compiles. */
const WARM_UP = 100;
const PARTS = 10;

interface PagesRead {
  /** Duration of each page in milliseconds, in order. */
  readonly pages: readonly number[];
  readonly orders: number;
}

/** Reads all orders by number, with cursor pagination. */
export const readsWalk = paginationBenchmark(
  'reads-walk',
  'cursor pagination over all orders, last tenth compared with the first',
  '/v1/orders?',
);

/** Reads by another index, whose orders are not adjacent on disk. */
export const readsWalkFiltered = paginationBenchmark(
  'reads-walk-filtered',
  'cursor pagination over all orders of one symbol by date, last tenth compared with the first',
  '/v1/orders?symbol=ACME&sort=createdAt&',
);

function paginationBenchmark(name: string, about: string, path: string): Benchmark {
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
        const { pages, orders } = await readAllPages(server, `${path}pageSize=${size}`);
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
          // The last pages may take 1.2 times as long.
          requiredRatio: 1 / 1.2,
          peakRssMiB,
          maxRssMiB: null,
          cpuSeconds: run.cpuSeconds,
          noisy: false,
          runs: [run],
          notes: [
            `${orders} orders on ${pages.length} pages of ${size}, each returned once; medians of tenths of the pages`,
          ],
        };
      } finally {
        await server.stop();
      }
    },
  };
}

/** Reads all pages. @throws Error when an order is duplicated or out of order: in this dataset dates rise with numbers */
async function readAllPages(server: HttpServer, beginning: string): Promise<PagesRead> {
  const pages: number[] = [];
  let orders = 0;
  let lastNumber = 0;
  for (let next: string | undefined = beginning; next !== undefined;) {
    const startedAt = performance.now();
    const text: string = await server.text(next);
    pages.push(performance.now() - startedAt);
    const { items, page } = JSON.parse(text) as { items: { number: number }[]; page: { next?: string } };
    for (const { number } of items) {
      if (number <= lastNumber) throw new Error(`order ${number} comes after order ${lastNumber}`);
      lastNumber = number;
    }
    orders += items.length;
    next = page.next;
  }
  return { pages, orders };
}

/** Returns the medians of ten equal parts. The last page may be short, which does not affect a median. */
function tenthsOf(pages: readonly number[]): number[] {
  const size = Math.floor(pages.length / PARTS);
  if (size === 0) throw new RangeError(`${pages.length} pages are too few for ${PARTS} parts`);
  return Array.from({ length: PARTS }, (_, part) => median(pages.slice(part * size, (part + 1) * size)));
}
