// Jest's global set-up of the projects `real` and `faults`: starts Kafka, the registry and MongoDB once for each worker. A spec file that starts
// a pipeline gets those of its worker, with empty topics and an empty database (`TestSystem.start`). A spec that pauses, kills or damages servers
// starts its own (`servers: 'own'`, `sharedKafka`). Needs the compiled dist/.
const { TEST_TIME_LIMIT_SCALE: given } = process.env;
// Jest's setup files don't run here. The limits are read when dist/ is loaded; each project chooses those of its workers itself.
await import('./time-limits.mjs');
const { TemporaryStack } = await import('../../dist/dev/supervisor/temporary-stack.js');
if (given === undefined) delete process.env.TEST_TIME_LIMIT_SCALE;

export default async function startSharedServers({ maxWorkers }) {
  const started = await Promise.all(
    Array.from({ length: maxWorkers }, async (_, at) => {
      const servers = await TemporaryStack.start({ tool: 'orders-shared', flags: ['--servers-only'] });
      // A stack on these servers accepts any cluster.
      const { KAFKA_CLUSTER_ID: _id, ...addresses } = servers.addresses;
      process.env[`SHARED_SERVERS_${at + 1}`] = JSON.stringify({ addresses, directory: servers.directory });
      return servers;
    }),
  );
  globalThis.stopSharedServers = async () => {
    for (const servers of started) await servers.stop();
  };
}
