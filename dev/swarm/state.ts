import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateAuthority } from '../servers/private-authority.js';
import { z } from 'zod';
import { SERVICES } from '#service/rights/service-rights.js';
import { randomClusterId, OPERATOR_NAME } from '../servers/kafka.js';

/**
 * The operator's folder of one swarm: what can't be made again (`state.json`, the authority's key), and a file for each secret in
 * `secrets/`. Only its owner can read it. Keep a copy at another place, as safe as a backup.
 */
export class StateFolder {
  constructor(readonly directory: string) {}

  /** The folder of the secrets, and of the authorities' certificates. */
  get secrets(): string {
    return join(this.directory, 'secrets');
  }

  get exists(): boolean {
    return existsSync(this.stateFile);
  }

  /** Makes everything that a new swarm needs. @param publicHosts the names of the gateway */
  async create(publicHosts: readonly string[]): Promise<void> {
    await mkdir(this.secrets, { recursive: true, mode: 0o700 });
    await chmod(this.directory, 0o700);
    await this.renewAuthority([]);
    await this.renewCertificates(publicHosts);
    await this.write(newState());
    await this.createClientKeys();
  }

  /** Makes the file of the API keys of the facade's clients, with no client, unless it exists: its content is the operator's. */
  async createClientKeys(): Promise<void> {
    const file = join(this.secrets, 'legacy-clients');
    if (!existsSync(file)) await this.replace(file, '{ "clients": [] }\n');
  }

  read(): SwarmState {
    return SwarmStateSchema.parse(JSON.parse(readFileSync(this.stateFile, 'utf8')));
  }

  /** Stores a state, and the secrets that follow from it. */
  async write(state: SwarmState): Promise<void> {
    for (const [name, content] of secretFiles(state)) await this.replace(join(this.secrets, name), content);
    // Last: a folder with a state is complete.
    await this.replace(this.stateFile, `${JSON.stringify(state, null, 2)}\n`);
  }

  /** Issues all certificates again, by the present authority. @param days until they expire */
  async renewCertificates(publicHosts: readonly string[], days?: number): Promise<void> {
    const certificate = readFileSync(this.authorityFile, 'utf8');
    const authority = new PrivateAuthority({
      certificate: firstOf(certificate),
      key: readFileSync(this.authorityKeyFile, 'utf8'),
    });
    for (const [name, content] of await issueCertificates(authority, publicHosts, days))
      await this.replace(join(this.secrets, name), content);
  }

  /** Makes a new authority, the first in the file. @param others certificates of authorities that stay valid */
  async renewAuthority(others: readonly string[]): Promise<void> {
    const notAfter = new Date(Date.now() + AUTHORITY_DAYS * DAY_MS);
    // A name of its own, so that a certificate has one possible issuer while two authorities are valid.
    const name = `Orders pipeline, authority ${randomBytes(4).toString('hex')}`;
    const { own } = await PrivateAuthority.create(name, notAfter);
    await this.replace(this.authorityKeyFile, own.key);
    await this.writeAuthorities([own.certificate, ...others]);
  }

  /** The certificates of the authorities that servers and services accept; the first one issues new certificates. */
  get authorities(): string[] {
    return readFileSync(this.authorityFile, 'utf8').match(CERTIFICATE) ?? [];
  }

  async writeAuthorities(certificates: readonly string[]): Promise<void> {
    await this.replace(this.authorityFile, certificates.map((each) => `${each.trim()}\n`).join(''));
  }

  /** The file of the authorities' certificates, which clients of the gateway need too. */
  get authorityFile(): string {
    return join(this.secrets, 'authority.pem');
  }

  private get authorityKeyFile(): string {
    return join(this.directory, 'authority-key.pem');
  }

  private get stateFile(): string {
    return join(this.directory, 'state.json');
  }

  /** Replaces a file at once, so that no crash leaves half of it. */
  private async replace(file: string, content: string): Promise<void> {
    await writeFile(`${file}.new`, content, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function firstOf(pem: string): string {
  return pem.match(CERTIFICATE)?.[0] ?? pem;
}

const UserSchema = z.object({ service: z.enum(SERVICES), name: z.string(), password: z.string() });

/** Everything of a swarm that can't be made again: it is stored on the operator's machine, and must be kept safe. */
const SwarmStateSchema = z.object({
  /** Of Kafka: the services accept no other. */
  clusterId: z.string(),
  /** The users that the services use, one for each. */
  users: z.array(UserSchema),
  /** Users that are still valid while services are updated. */
  retiring: z.array(UserSchema),
  /** The keys of MongoDB's members, the one that they sign in with first. */
  mongodbKeys: z.array(z.string()).min(1),
  pageToken: z.string(),
  pageTokensBefore: z.array(z.string()).min(1),
  scalerToken: z.string(),
  grafanaPassword: z.string(),
  facadeClientSecret: z.string(),
});

export type SwarmState = z.infer<typeof SwarmStateSchema>;
type SwarmUser = z.infer<typeof UserSchema>;

/** What connects to the servers in a swarm. `reconcile` runs with the producer's user. */
export const SWARM_SERVICES = ['producer', 'consumer', 'query-api', 'console', 'facade', 'admin'] as const;
type SwarmService = (typeof SWARM_SERVICES)[number];

/** Returns the state of a new swarm. */
function newState(): SwarmState {
  return {
    clusterId: randomClusterId(),
    users: SWARM_SERVICES.map((service) => newUser(service, undefined)),
    retiring: [],
    mongodbKeys: [randomKey()],
    pageToken: randomSecret(),
    // The setting may not be empty. This one has signed nothing.
    pageTokensBefore: [randomSecret()],
    scalerToken: randomSecret(),
    grafanaPassword: randomSecret(),
    facadeClientSecret: randomSecret(),
  };
}

/** Returns a user of another name than the one before, since a user has one password only. */
export function newUser(service: SwarmService, before: SwarmUser | undefined): SwarmUser {
  const number = Number(/-(\d+)$/.exec(before?.name ?? '')?.[1] ?? 0) + 1;
  return { service, name: `orders-${service}-${number}`, password: randomSecret() };
}

export function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** Returns a key of MongoDB's members, which may have the characters of base64 only. */
export function randomKey(): string {
  return randomBytes(48).toString('base64');
}

const AUTHORITY = '/run/authority.pem';
const MEMBERS = 'mongodb-1:27017,mongodb-2:27017,mongodb-3:27017';
/** Services whose user has no rights in Kafka. */
const WITHOUT_KAFKA = new Set(['query-api', 'facade']);
/** Roles of the registry: may register schemas; may also export and import all of them. */
const [DEVELOPER, ADMINISTRATOR] = ['sr-developer', 'sr-admin'];

/** Returns the content of each secret that is no certificate, by the name of its file. */
function secretFiles(state: SwarmState): ReadonlyMap<string, string> {
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

const DAY_MS = 86_400_000;
/** The authority outlives many certificates. */
const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 365;
/** The alert CertificateExpires warns 21 days before. */
const WARN_DAYS = 30;

/** A server, or the operator, and the names by which clients reach it. */
interface Certified {
  readonly name: string;
  readonly hosts: readonly string[];
  /** `both`: key and certificate in one file, as Kafka and MongoDB read them. */
  readonly form: 'both' | 'separate';
}

const LOCAL = ['localhost', '127.0.0.1'];

function certified(publicHosts: readonly string[]): Certified[] {
  const nodes = [1, 2, 3];
  return [
    ...nodes.map((id) => ({ name: `kafka-${id}`, hosts: [`kafka-${id}`, ...LOCAL], form: 'both' as const })),
    ...nodes.map((id) => ({ name: `mongodb-${id}`, hosts: [`mongodb-${id}`, ...LOCAL], form: 'both' as const })),
    { name: 'registry', hosts: ['registry', ...LOCAL], form: 'separate' },
    { name: 'gateway', hosts: [...new Set([...publicHosts, 'gateway', ...LOCAL])], form: 'separate' },
    { name: 'operator', hosts: LOCAL, form: 'separate' },
  ];
}

/**
 * Issues the certificates of all servers and of the operator.
 * @param publicHosts the names of the gateway
 * @param days until they expire
 * @returns their contents by the names of their files
 */
async function issueCertificates(
  authority: PrivateAuthority,
  publicHosts: readonly string[],
  days = CERTIFICATE_DAYS,
): Promise<ReadonlyMap<string, string>> {
  const notAfter = new Date(Date.now() + days * DAY_MS);
  const files = await Promise.all(
    certified(publicHosts).map(async ({ name, hosts, form }) => {
      // Brokers, controllers and the operator are known to Kafka by this one name.
      const subject = name.startsWith('kafka-') || name === 'operator' ? OPERATOR_NAME : `orders-${name}`;
      const { certificate, key } = await authority.issue(subject, hosts, notAfter);
      if (form === 'both') return [[`${name}.pem`, `${key.trim()}\n${certificate.trim()}\n`]] as const;
      return [
        [`${name}-certificate.pem`, certificate],
        [`${name}-key.pem`, key],
      ] as const;
    }),
  );
  return new Map(files.flat());
}

/** Returns a line for each certificate of a PEM text that has expired, or that expires within 30 days. */
export function expiries(pem: string, now: number): { readonly hasExpired: boolean; readonly text: string }[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).flatMap((each) => {
    const { validToDate, subject } = new X509Certificate(each);
    const days = (validToDate.getTime() - now) / DAY_MS;
    if (days > WARN_DAYS) return [];
    const name = subject.replaceAll('\n', ', ');
    const hasExpired = days <= 0;
    const when = `${hasExpired ? 'expired' : 'expires'} on ${validToDate.toISOString().slice(0, 10)}`;
    return [{ hasExpired, text: `the certificate of ${name} ${when}` }];
  });
}
