import { join } from 'node:path';
import { QUERY_API_HEAP } from '../../dev/supervisor/app-definitions.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { HttpServer } from './http-server.js';

/** Higher than any benchmark's rate: the rate limiter counts but never rejects. */
const RATE_LIMIT_PER_MINUTE = '100000000';

/** Starts the query API as `npm start` does, on a free port. @param settings besides the usual ones */
export async function startQueryApi(
  mongodbUri: string,
  connections: number,
  settings: NodeJS.ProcessEnv = {},
): Promise<HttpServer> {
  return HttpServer.start({
    script: scriptOf('apps', 'query-api', 'src', 'main.js'),
    heap: QUERY_API_HEAP,
    env: {
      MONGODB_URI: mongodbUri,
      PORT: '0',
      LOG_LEVEL: 'warn',
      RATE_LIMIT_PER_MINUTE,
      MALLOC_ARENA_MAX: '2',
      ...settings,
    },
    connections,
  });
}

/** Starts the server for comparison: plain Node HTTP with the same `findOne`. */
export async function startBareServer(mongodbUri: string, connections: number): Promise<HttpServer> {
  return HttpServer.start({
    script: scriptOf('bench', 'reads', 'bare-find-one.js'),
    heap: QUERY_API_HEAP,
    env: { MONGODB_URI: mongodbUri, MALLOC_ARENA_MAX: '2' },
    connections,
  });
}

function scriptOf(...path: string[]): string {
  return join(PROJECT_DIRECTORY, 'dist', ...path);
}
