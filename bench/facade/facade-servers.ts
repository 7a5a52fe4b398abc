import { join } from 'node:path';
import { SERVICE_HEAP, LEGACY_HEAP } from '../../dev/supervisor/app-definitions.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { HttpServer } from '../reads/http-server.js';

/** Higher than any benchmark's rate: the rate limiter counts but never rejects. */
const RATE_LIMIT_PER_MINUTE = '100000000';
const COMMON = { PORT: '0', LOG_LEVEL: 'error', MALLOC_ARENA_MAX: '2' };

/** Starts the legacy system as `npm start` does, on a free port. @param folder its files */
export async function startLegacy(folder: string, connections: number): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', 'legacy', 'src', 'main.js'),
    heap: LEGACY_HEAP,
    env: { ...COMMON, LEGACY_DATA_DIR: folder },
    connections,
  });
}

/** Starts the proxy for comparison, which only passes requests on. */
export async function startBareProxy(targetUrl: string, connections: number): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', 'bench', 'facade', 'bare-proxy.js'),
    heap: SERVICE_HEAP,
    env: { TARGET_URL: targetUrl, MALLOC_ARENA_MAX: '2' },
    connections,
  });
}

export interface FacadeAddresses {
  readonly mongodbUri: string;
  readonly legacyUrl: string;
  readonly queryApiUrl: string;
}

/** Starts the facade as `npm start` does, on a free port. @param name the instance: several share the migration of one database */
export async function startFacade(
  name: string,
  { mongodbUri, legacyUrl, queryApiUrl }: FacadeAddresses,
  connections: number,
): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', 'facade', 'src', 'main.js'),
    heap: SERVICE_HEAP,
    env: {
      ...COMMON,
      FACADE_INSTANCE: name,
      RATE_LIMIT_PER_MINUTE,
      MONGODB_URI: mongodbUri,
      LEGACY_URL: legacyUrl,
      QUERY_API_URL: queryApiUrl,
    },
    connections,
  });
}

/** Has the facade copy the legacy system's writes to the new side. */
export async function copyWrites(facade: HttpServer): Promise<void> {
  await facade.post('/v1/migration/writes', JSON.stringify({ stage: 'dualwrite', reason: 'benchmark' }));
}

/** Brings reads by id to `shadow`, in all instances within a second: each asks for the state twice a second. */
export async function shadowReadsById(facade: HttpServer): Promise<void> {
  await copyWrites(facade);
  await facade.post('/v1/migration/read-by-id', JSON.stringify({ stage: 'shadow', reason: 'benchmark' }));
}
