/**
 * Runs a Kafka client through what is hard for consumers and producers: `npm run qualify -- --client kafkajs|platformatic|confluent`. First the
 * client by itself, as its guide shows it; then the engine over it, if the engine has a driver for it. docs/clients.md has the results.
 * Exits with 0 if every case of the engine holds: what the client does by itself is only reported.
 */
import { Command, Option } from 'commander';
import { explain } from '../../dev/stack-error.js';
import { provideConfluent } from './confluent-package.js';
import { runEngineCases } from './engine-cases.js';
import { PlainCases, type CaseResult } from './plain/plain-cases.js';
import { CLIENTS, type Client } from './plain/plain-client.js';

interface QualifyOptions {
  readonly client: Client;
  /** Which half; `undefined`: both. */
  readonly only?: 'plain' | 'engine';
}

const OPTIONS = new Command('npm run qualify --')
  .addOption(new Option('--client <name>', 'the client').choices(CLIENTS).makeOptionMandatory())
  .addOption(new Option('--only <half>', 'only a half of the cases').choices(['plain', 'engine']))
  .allowExcessArguments(false);

function print({ name, holds, text }: CaseResult): void {
  console.log(`| ${name} | ${holds ? 'holds' : '**does not hold**'} | ${text} |`);
}

async function main(): Promise<boolean> {
  const { client, only } = OPTIONS.parse().opts<QualifyOptions>();
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
