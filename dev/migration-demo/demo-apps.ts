import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { freePort } from '../machine/ports.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import type { StandaloneServers } from '../servers/standalone-servers.js';
import { facadeDefinition, type AppContext } from '../supervisor/app-definitions.js';
import type { AppDefinition } from '../supervisor/app-process.js';
import { readStackOptions } from '../supervisor/stack-options.js';
import { ZONE } from '../migration-journey/stored-order.js';

/** Short, so that the demo fits five minutes: with up to a second, reads of the newest orders wait that long. */
export const SAVE_DELAY_MS = '0..100';

const PLANT_BUG = pathToFileURL(join(PROJECT_DIRECTORY, 'dist/dev/migration-demo/bugs/plant-bug.js')).href;

/**
 * Returns what the apps of the demo are made from. Doesn't inherit the caller's environment: its settings would change the demo, and its
 * servers must not be used.
 */
export async function createDemoContext(
  directory: string,
  { addresses }: StandaloneServers,
  [facadePort]: readonly number[],
): Promise<AppContext> {
  const { PATH, HOME, TMPDIR } = process.env;
  const env = { PATH, HOME, TMPDIR, LOG_LEVEL: 'warn', LEGACY_TIME_ZONE: ZONE.name, RATE_LIMIT_PER_MINUTE: '1000000' };
  const ports = {
    PRODUCER_PORT: String(await freePort()),
    QUERY_API_PORT: String(await freePort()),
    LEGACY_PORT: String(await freePort()),
    FACADE_PORT: String(facadePort),
  };
  const flags = ['--data', directory, '--legacy', '--save-ms', SAVE_DELAY_MS];
  const options = readStackOptions(flags, ports, PROJECT_DIRECTORY);
  return { options, addresses, partitions: DEFAULT_PARTITIONS, pageTokenSecret: '', startedAt: new Date(), env };
}

export interface FacadeInstance {
  readonly n: number;
  readonly port: number;
  readonly settings: NodeJS.ProcessEnv;
  /** The name of the bug to be planted in it. */
  readonly bug: string | undefined;
}

/** Returns one of the facades: that of `npm start -- --legacy`, under a name and a port of its own. */
export function facadeInstance(context: AppContext, { n, port, settings, bug }: FacadeInstance): AppDefinition {
  const one = facadeDefinition(context);
  const name = `facade-${n}`;
  const planted = bug === undefined ? {} : { PLANTED_BUG: bug, NODE_OPTIONS: `--import ${PLANT_BUG}` };
  return {
    ...one,
    name,
    logFile: join(context.options.dataDirectory, 'logs', `${name}.log`),
    env: { ...one.env, ...settings, PORT: String(port), FACADE_INSTANCE: name, ...planted },
  };
}
