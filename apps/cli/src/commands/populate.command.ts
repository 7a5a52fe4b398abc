import type { Command } from 'commander';
import type { RunCommand } from '../command-context.js';
import { decimalNumber, wholeNumber } from './option-values.js';
import { given } from './given-members.js';
import { startOperation, type StartOptions } from './started-operation.js';

interface PopulateOptions extends StartOptions {
  readonly rate?: number;
  readonly seed?: number;
  readonly chunkSize?: number;
  readonly accounts?: number;
  readonly from?: string;
  readonly to?: string;
  readonly poison?: number;
  readonly oversized?: number;
  readonly duplicate?: number;
  readonly conflict?: number;
}

/** `populate COUNT`: emits generated orders. */
export function addPopulateCommand(program: Command, run: RunCommand): void {
  program
    .command('populate')
    .description('emit generated orders, as an operation that runs in the background')
    .argument('<count>', 'number of orders, 1 to 10000000', wholeNumber)
    .option('--rate <n>', 'average orders per second (default: unlimited)', decimalNumber)
    .option('--seed <n>', 'the same seed gives the same orders (default: random)', wholeNumber)
    .option('--chunk-size <n>', 'orders that Kafka acknowledges at once (default: 1000)', wholeNumber)
    .option('--accounts <n>', 'number of accounts of the orders (default: 100000)', wholeNumber)
    .option(
      '--from <date>',
      'createdAt of the first order, such as 2026-01-31 or 2026-01-31T12:00:00Z (default: a day before --to)',
    )
    .option('--to <date>', 'end of the createdAt range; a date includes its day (default: now)')
    .option('--poison <fraction>', 'fraction of records that can not be decoded: 0 to 1, 0.01 = 1 %', decimalNumber)
    .option('--oversized <fraction>', 'fraction of records that are too large, 0.01 = 1 %', decimalNumber)
    .option('--duplicate <fraction>', 'fraction of orders that are sent twice, 0.01 = 1 %', decimalNumber)
    .option(
      '--conflict <fraction>',
      'fraction of orders that are sent twice with different contents, 0.01 = 1 %',
      decimalNumber,
    )
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'watch the operation until it ends')
    .option('--json', 'print the operation as JSON')
    .action(async (count: number, options: PopulateOptions, command: Command) =>
      run(command, async (context) => {
        const body = JSON.stringify(populateRequest(count, options));
        const request = { path: '/v1/populate', headers: { 'content-type': 'application/json' }, body: () => body };
        return startOperation(context, request, options);
      }),
    );
}

/** Creates the body of `POST /v1/populate`. It omits options that were not given, so that the producer applies its defaults. */
function populateRequest(count: number, options: PopulateOptions): object {
  const { rate: ratePerSecond, seed, chunkSize, accounts, from, to } = options;
  const { poison, oversized, duplicate, conflict } = options;
  const faults = given({ poison, oversized, duplicate, conflict });
  return {
    count,
    ...given({ ratePerSecond, seed, chunkSize, accounts, from, to }),
    ...(Object.keys(faults).length > 0 && { faults }),
  };
}
