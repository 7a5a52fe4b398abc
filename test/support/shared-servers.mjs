// Jest's global set-up of the projects `real` and `faults`: starts Kafka, the registry and MongoDB once for each worker. A spec file that starts
// a pipeline gets those of its worker, with empty topics and an empty database (`Pipeline.start`). A spec that pauses, kills or damages servers
// starts its own (`Pipeline.startAlone`, `sharedKafka`). Needs the compiled dist/.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandaloneServers } from '../../dist/dev/servers/standalone-servers.js';

export default async function startSharedServers({ maxWorkers }) {
  const started = await Promise.all(
    Array.from({ length: maxWorkers }, async (_, at) => {
      const directory = await mkdtemp(join(tmpdir(), 'orders-shared-'));
      const servers = await startStandaloneServers(directory);
      // A stack on these servers accepts any cluster.
      const { KAFKA_CLUSTER_ID: _id, ...addresses } = servers.addresses;
      process.env[`SHARED_SERVERS_${at + 1}`] = JSON.stringify({ addresses, directory });
      return { servers, directory };
    }),
  );
  globalThis.stopSharedServers = async () => {
    for (const { servers, directory } of started) {
      await servers.stop();
      await rm(directory, { recursive: true, force: true });
    }
  };
}
