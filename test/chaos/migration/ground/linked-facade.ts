import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT_DIRECTORY } from '../../../../dev/project-directory.js';
import { facadeDefinition, type AppContext } from '../../../../dev/supervisor/app-definitions.js';
import type { AppDefinition } from '../../../../dev/supervisor/app-process.js';

/** The ports of a facade's own links. */
export interface FacadeLinks {
  readonly legacy: number;
  readonly producer: number;
  readonly queryApi: number;
  readonly mongodb: { readonly listens: number; readonly link: number };
}

export const urlOf = (port: number): string => `http://127.0.0.1:${port}`;

/** Returns a facade that reaches everything over its own links. @param port on which it listens */
export function facadeOf(name: string, port: number, context: AppContext, links: FacadeLinks): AppDefinition {
  const definition = facadeDefinition(context);
  const preload = pathToFileURL(join(PROJECT_DIRECTORY, 'dist/test/chaos/cluster/redirect-connections.js')).href;
  return {
    ...definition,
    name,
    logFile: join(context.options.dataDirectory, 'logs', `${name}.log`),
    env: {
      ...definition.env,
      PORT: String(port),
      FACADE_INSTANCE: name,
      LEGACY_URL: urlOf(links.legacy),
      PRODUCER_URL: urlOf(links.producer),
      QUERY_API_URL: urlOf(links.queryApi),
      NODE_OPTIONS: `--import ${preload}`,
      REDIRECTED_PORTS: JSON.stringify({ [links.mongodb.listens]: links.mongodb.link }),
    },
  };
}
