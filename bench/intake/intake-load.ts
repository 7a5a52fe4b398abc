import { orderGenerator } from '#orders/generator/generator.js';
import { formatMoney } from '#orders/order/money.js';
import type { Measurement } from '../harness/measurement.js';
import type { HttpServer } from '../reads/http-server.js';
import { measureServer } from '../reads/measured-server.js';
import { openLoop, type OpenLoop } from '../reads/requests.js';

const PATH = '/v1/orders';
const ACCOUNTS = 100_000;
/** Different bodies, made beforehand: the load must cost less than the server. */
const BODIES = 50;

const orderAt = orderGenerator({
  operationId: '01a20e65-570e-7570-bea6-26988d692e8b',
  seed: 20_261_124,
  count: 1_000_000,
  firstNumber: 1,
  accounts: ACCOUNTS,
  from: new Date('2026-11-23T00:00:00Z'),
  to: new Date('2026-11-24T00:00:00Z'),
});

function intakeBody(index: number): object {
  const { accountId, side, symbol, quantity, price, currency } = orderAt(index);
  return { accountId, side, symbol, quantity, price: formatMoney(price), currency };
}

/** Sends arrays, each when an earlier one has been answered, and so measures the maximum rate of the server. */
export async function sendArrays(
  server: HttpServer,
  { arrays, size, concurrency }: { readonly arrays: number; readonly size: number; readonly concurrency: number },
): Promise<Measurement> {
  const bodies = Array.from({ length: BODIES }, (_, nth) =>
    JSON.stringify(Array.from({ length: size }, (_order, at) => intakeBody(nth * size + at))),
  );
  return measureServer(server, arrays * size, async (finished) => {
    let sent = 0;
    const sendOn = async (): Promise<void> => {
      while (sent < arrays) {
        sent += 1;
        await server.post(PATH, bodies[sent % BODIES] ?? '');
        finished(size);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, sendOn));
  });
}

/** Sends single orders at their scheduled times. @returns latency of each in milliseconds, from its scheduled time */
export async function sendSingles(server: HttpServer, load: OpenLoop): Promise<number[]> {
  return openLoop(load, async (nth) => server.post(PATH, JSON.stringify(intakeBody(nth))));
}
