import { join } from 'node:path';
import { PRODUCER_HEAP } from '../../dev/supervisor/app-definitions.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { BenchServers } from '../harness/bench.js';
import { HttpServer } from '../reads/http-server.js';

/** Higher than any benchmark's rate: the rate limiter counts but never rejects. */
const RATE_LIMIT_PER_MINUTE = '100000000';

/** Starts the producer as `npm start` does, on a free port. */
export async function startProducer(servers: BenchServers, connections: number): Promise<HttpServer> {
  return start(['apps', 'producer', 'src', 'main.js'], servers, connections);
}

/** Starts the server for comparison: plain Fastify and kafkajs, without validation, numbers or a database. */
export async function startBareIntake(servers: BenchServers, connections: number): Promise<HttpServer> {
  return start(['bench', 'intake', 'bare-intake.js'], servers, connections);
}

async function start(script: readonly string[], servers: BenchServers, connections: number): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', ...script),
    heap: PRODUCER_HEAP,
    env: { ...servers, PORT: '0', LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE, MALLOC_ARENA_MAX: '2' },
    connections,
  });
}
