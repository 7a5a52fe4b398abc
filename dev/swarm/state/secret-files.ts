import type { SwarmState, SwarmUser } from './swarm-state.js';

const AUTHORITY = '/run/authority.pem';
const MEMBERS = 'mongodb-1:27017,mongodb-2:27017,mongodb-3:27017';
/** Services whose user has no rights in Kafka. */
const WITHOUT_KAFKA = new Set(['query-api', 'facade']);
/** Roles of the registry: may register schemas; may also export and import all of them. */
const [DEVELOPER, ADMINISTRATOR] = ['sr-developer', 'sr-admin'];

/** Returns the content of each secret that is no certificate, by the name of its file. */
export function secretFiles(state: SwarmState): ReadonlyMap<string, string> {
  const [key = ''] = state.mongodbKeys;
  return new Map([
    ...state.users.flatMap(filesOfUser),
    ['operator-mongodb-uri', `${mongodbUri('__system', key)}&authSource=local`],
    [
      'users',
      [...state.users, ...state.retiring].map((user) => `${user.service} ${user.name} ${user.password}\n`).join(''),
    ],
    ['mongodb-key', keyFile(state.mongodbKeys)],
    ['registry-users.properties', registryUsers([...state.users, ...state.retiring])],
    ['page-token', state.pageToken],
    ['page-tokens-before', state.pageTokensBefore.join(',')],
    ['scaler-token', state.scalerToken],
    ['grafana-password', state.grafanaPassword],
    ['facade-client-secret', state.facadeClientSecret],
  ]);
}

function filesOfUser({ service, name, password }: SwarmUser): [string, string][] {
  const uri: [string, string] = [`${service}-mongodb-uri`, `${mongodbUri(name, password)}&authSource=admin`];
  if (WITHOUT_KAFKA.has(service)) return [uri];
  return [uri, [`${service}-username`, name], [`${service}-password`, password]];
}

function mongodbUri(name: string, password: string): string {
  const options = `replicaSet=orders&tls=true&tlsCAFile=${AUTHORITY}&authMechanism=SCRAM-SHA-256`;
  return `mongodb://${encodeURIComponent(name)}:${encodeURIComponent(password)}@${MEMBERS}/orders?${options}`;
}

/** One key is the file's whole content; several are a list in YAML, of which members accept each. */
function keyFile(keys: readonly string[]): string {
  return keys.length === 1 ? `${keys[0]}\n` : keys.map((key) => `- ${key}\n`).join('');
}

/** The users of the registry, in Quarkus' form. */
function registryUsers(users: readonly SwarmUser[]): string {
  const embedded = 'quarkus.security.users.embedded';
  const lines = users
    .filter(({ service }) => ['producer', 'consumer', 'admin'].includes(service))
    .flatMap(({ service, name, password }) => [
      `${embedded}.users."${name}"=${password}`,
      `${embedded}.roles."${name}"=${service === 'admin' ? ADMINISTRATOR : DEVELOPER}`,
    ]);
  return [`${embedded}.enabled=true`, `${embedded}.plain-text=true`, ...lines, ''].join('\n');
}
