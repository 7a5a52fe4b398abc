import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDirectory } from '../servers/data-directory.js';
import type { ServerLayout } from '../servers/embedded-servers.js';
import { StackError } from '../stack-error.js';
import { DEFAULT_PARTITIONS } from './stack-options.js';

const OTHER_REMEDIES = 'empty the data (npm run reset), or use other data (--data DIR).';

/**
 * Returns the number of partitions of the embedded Kafka's topic, existing or new.
 * @throws StackError `partitions-fixed` if the data was created with another number
 */
export function resolvePartitions(
  data: Pick<DataDirectory, 'path' | 'partitions'>,
  wanted: number | undefined,
): number {
  const made = data.partitions;
  if (made !== undefined && wanted !== undefined && wanted !== made)
    throw new StackError(
      'partitions-fixed',
      `The data in ${data.path} was created with ${made} partitions, but ${wanted} were requested.`,
      `A topic's keys would move to other partitions and lose their order. Leave --partitions out, ${OTHER_REMEDIES}`,
    );
  return wanted ?? made ?? DEFAULT_PARTITIONS;
}

/** @throws StackError `replication-fixed` if replicated data is opened without `--replicated`, or the other way round */
export function requireSameReplication(
  path: string,
  { choice, isReplicated }: Pick<ServerLayout, 'choice' | 'isReplicated'>,
): void {
  const embedded = [...(choice.kafka ? ['kafka'] : []), ...(choice.mongodb ? ['mongodb'] : [])];
  const others = embedded.map((name) => (isReplicated ? name : `${name}-1`));
  if (!others.some((name) => existsSync(join(path, name)))) return;
  const [made, flag] = isReplicated
    ? ['one server of each kind', 'leave --replicated out']
    : ['--replicated', 'add --replicated'];
  throw new StackError(
    'replication-fixed',
    `The data in ${path} was created with ${made}.`,
    `The other servers would start without this data: ${flag}, ${OTHER_REMEDIES}`,
  );
}
