import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDirectory } from '../servers/data-directory.js';
import type { ServerLayout } from '../servers/embedded-servers.js';
import { StackError } from '../stack-error.js';
import { DEFAULT_PARTITIONS } from './stack-options.js';

const WAYS_ON = 'empty the data (npm run reset), or use others (--data DIR).';

/**
 * How many partitions the embedded Kafka's topic has, or gets.
 * @throws StackError `partitions-fixed` when the data were made with another number
 */
export function partitionsOn(data: Pick<DataDirectory, 'path' | 'partitions'>, wanted: number | undefined): number {
  const made = data.partitions;
  if (made !== undefined && wanted !== undefined && wanted !== made)
    throw new StackError(
      'partitions-fixed',
      `The data in ${data.path} were made with ${made} partitions, and ${wanted} are asked for.`,
      `A topic's keys would change their partitions, and so lose their order. Leave --partitions out, ${WAYS_ON}`,
    );
  return wanted ?? made ?? DEFAULT_PARTITIONS;
}

/** @throws StackError `replication-fixed` when the data were made by one server of each kind and three are asked for, or the other way */
export function requireSameReplication(
  path: string,
  { choice, isReplicated }: Pick<ServerLayout, 'choice' | 'isReplicated'>,
): void {
  const embedded = [...(choice.kafka ? ['kafka'] : []), ...(choice.mongodb ? ['mongodb'] : [])];
  const others = embedded.map((name) => (isReplicated ? name : `${name}-1`));
  if (!others.some((name) => existsSync(join(path, name)))) return;
  const [made, flag] = isReplicated
    ? ['one server of each kind', 'leave --replicated out']
    : ['--replicated', 'say so'];
  throw new StackError(
    'replication-fixed',
    `The data in ${path} were made with ${made}.`,
    `Other servers would begin without them: ${flag}, ${WAYS_ON}`,
  );
}
