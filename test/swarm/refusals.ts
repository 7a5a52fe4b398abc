import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StateFolder } from '../../dev/swarm/state.js';
import type { Operator } from './operator.js';

/** The ports that the swarm publishes. */
export const PORTS = { gateway: 18_443, issuer: 18_444 } as const;

/** What `up` refuses, with a line that names it, before anything is deployed. */
export interface Refusal {
  readonly what: string;
  /** Default: the labels of all services are on this node. */
  readonly args?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Makes something wrong. @returns what makes it right again */
  readonly prepare?: (operator: Operator) => Promise<() => unknown>;
  readonly line: RegExp;
  /** How many problems it lists, if that matters. */
  readonly problems?: number;
}

export const BEFORE_INIT: readonly Refusal[] = [
  {
    what: 'no engine',
    args: [],
    variables: { DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    line: /^no-engine: docker does not answer/m,
  },
  { what: 'no swarm', args: [], line: /^no-swarm: the engine is in no swarm \(inactive\): docker swarm init/m },
];

export const IN_EMPTY_SWARM: readonly Refusal[] = [
  {
    what: 'missing labels, all at once',
    args: [],
    line: /^missing-label: no node has the label orders\.kafka-1, which kafka-1 needs: docker node update/m,
    problems: 9,
  },
  {
    what: 'a missing secret',
    prepare: async ({ state }) => {
      const file = join(state, 'secrets', 'mongodb-key');
      await rename(file, `${file}.away`);
      return async () => rename(`${file}.away`, file);
    },
    line: /^missing-secret: the secret mongodb-key is missing: restore .*mongodb-key from your copy/m,
    problems: 1,
  },
  {
    what: 'the public key of the repository',
    prepare: async ({ state }) => {
      const file = join(state, 'secrets', 'legacy-clients');
      const before = await readFile(file);
      await copyFile(join(PROJECT_DIRECTORY, 'deploy', 'legacy-clients.json'), file);
      return async () => writeFile(file, before);
    },
    line: /^bad-client-keys: .*the client demo has the demo key, which is public/m,
  },
  {
    what: 'a development issuer beside another',
    args: [],
    variables: { AUTH_ISSUER: 'https://login.example.com' },
    line: /^dev-issuer: AUTH_ISSUER is https:\/\/login\.example\.com: leave out --dev-issuer/m,
  },
  {
    what: 'a development issuer for other machines',
    args: [],
    variables: { PUBLIC_URL: 'https://orders.example.com' },
    line: /^dev-issuer: PUBLIC_URL is https:\/\/orders\.example\.com, which other machines reach/m,
  },
  {
    what: 'a port in use',
    prepare: async () => {
      const other = createServer().listen(PORTS.gateway, '0.0.0.0');
      await once(other, 'listening');
      return () => other.close();
    },
    line: /^port-in-use: port 18443, which gateway publishes, is in use by \S+ \(pid/m,
  },
  {
    what: 'an expired certificate',
    prepare: async ({ state }) => {
      const folder = new StateFolder(state);
      await folder.renewCertificates(['localhost'], -1);
      return async () => folder.renewCertificates(['localhost']);
    },
    line: /^certificate-expired: kafka-1: the certificate of CN=orders-kafka expired on \d{4}-\d\d-\d\d: deploy/m,
  },
  {
    what: 'a node without room',
    variables: { MONGODB_MEMORY: '900G' },
    line: /^no-room: the node \S+ needs [\d,]+ MiB of memory, and has [\d,]+ MiB left/m,
  },
  {
    what: 'an image that is nowhere',
    variables: { ORDERS_IMAGE: 'orders-pipeline:none' },
    line: /^missing-image: the image orders-pipeline:none is neither here nor in a registry: docker build/m,
  },
];

export async function isRefused(operator: Operator, refusal: Refusal): Promise<void> {
  const { args = ['--nodes', 'self'], variables = {}, prepare, line, problems } = refusal;
  const restore = await prepare?.(operator);
  try {
    const lines = await operator.refused('up', args, variables);
    assert.match(lines, line);
    if (problems !== undefined) assert.equal(lines.match(/^[a-z-]+: /gm)?.length, problems);
  } finally {
    await restore?.();
  }
}
