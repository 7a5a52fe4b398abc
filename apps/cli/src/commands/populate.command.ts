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

/** `populate COUNT`: emits fake orders. */
export function addPopulateCommand(program: Command, run: RunCommand): void {
  program
    .command('populate')
    .description('emit fake orders, as an operation that runs in the background')
    .argument('<count>', 'how many orders, 1 to 10000000', wholeNumber)
    .option('--rate <n>', 'orders per second, on average (default: as fast as it goes)', decimalNumber)
    .option('--seed <n>', 'the same seed gives the same orders (default: random)', wholeNumber)
    .option('--chunk-size <n>', 'orders that Kafka acknowledges at once (default: 1000)', wholeNumber)
    .option('--accounts <n>', 'accounts that they are spread over (default: 100000)', wholeNumber)
    .option('--from <date>', 'createdAt of the first, as 2026-01-31T12:00:00Z (default: a day before --to)')
    .option('--to <date>', 'where createdAt ends (default: now)')
    .option('--poison <fraction>', 'this share of them, 0 to 1, can not be decoded', decimalNumber)
    .option('--oversized <fraction>', 'this share is too large', decimalNumber)
    .option('--duplicate <fraction>', 'this share is sent twice', decimalNumber)
    .option('--conflict <fraction>', 'this share is sent twice with different contents', decimalNumber)
    .option('--key <key>', 'Idempotency-Key: the same command with the same key runs once (default: a random one)')
    .option('--watch', 'follow it to its end')
    .option('--json', 'print the operation as JSON')
    .action(async (count: number, options: PopulateOptions, command: Command) =>
      run(command, async (context) => {
        const body = JSON.stringify(populateRequest(count, options));
        const request = { path: '/v1/populate', headers: { 'content-type': 'application/json' }, body: () => body };
        return startOperation(context, request, options);
      }),
    );
}

/** The body of `POST /v1/populate`. What was not given is left out: its default is the producer's to know. */
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
