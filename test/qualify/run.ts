/**
 * Runs a Kafka client through what is hard for consumers and producers: `npm run qualify -- --client kafkajs|platformatic|confluent`. First the
 * client by itself, as its guide shows it; then the engine over it, if the engine has a driver for it. docs/clients.md has the results.
 * Exits with 0 if every case of the engine holds: what the client does by itself is only reported.
 */
import { parseArgs } from 'node:util';
import { explain, StackError } from '../../dev/stack-error.js';
import { provideConfluent } from './confluent-package.js';
import { runEngineCases } from './engine-cases.js';
import type { CaseResult } from './plain/case-result.js';
import { PlainCases } from './plain/plain-cases.js';
import { CLIENTS, type Client } from './plain/plain-task.js';

const ONLY = ['plain', 'engine'] as const;

interface QualifyOptions {
  readonly client: Client;
  /** Which half; `undefined`: both. */
  readonly only: (typeof ONLY)[number] | undefined;
}

function readOptions(args: readonly string[]): QualifyOptions {
  const text = { type: 'string' } as const;
  let values: { readonly client?: string; readonly only?: string };
  try {
    ({ values } = parseArgs({ args: [...args], options: { client: text, only: text } }));
  } catch (error) {
    throw new StackError('bad-flag', error instanceof Error ? error.message : String(error), '', { cause: error });
  }
  const client = CLIENTS.find((name) => name === values.client);
  if (client === undefined)
    throw new StackError(
      'bad-flag',
      `--client must be one of ${CLIENTS.join(', ')}, got ${values.client ?? 'none'}.`,
      '',
    );
  const only = ONLY.find((name) => name === values.only);
  if (only === undefined && values.only !== undefined)
    throw new StackError('bad-flag', `--only must be ${ONLY.join(' or ')}, got ${values.only}.`, '');
  return { client, only };
}

function print({ name, holds, text }: CaseResult): void {
  console.log(`| ${name} | ${holds ? 'holds' : '**does not hold**'} | ${text} |`);
}

async function main(): Promise<boolean> {
  const { client, only } = readOptions(process.argv.slice(2));
  if (only !== 'engine') {
    const package_ = client === 'confluent' ? await provideConfluent() : { node: process.execPath, directory: '' };
    console.log(`${client} by itself:`);
    await PlainCases.run({ client, ...package_ }, print);
  }
  if (only === 'plain') return true;
  if (client === 'confluent') {
    console.log('The engine has no driver for this client, which does not send requests of others.');
    return true;
  }
  console.log(`The engine over ${client}:`);
  const results = await runEngineCases(client);
  for (const result of results) print(result);
  console.log(
    `${results.filter(({ holds }) => holds).length} cases hold, ${results.filter(({ holds }) => !holds).length} do not.`,
  );
  return results.every(({ holds }) => holds);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
