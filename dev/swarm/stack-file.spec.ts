import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { STACK_FOLDER, Deployment } from './deployment.js';
import { labelOf, reservedCpus, reservedMemory, StackFile } from './stack-file.js';

const VALUES = { STACK: 'orders', SECRETS: '/secrets', KAFKA_CLUSTER_ID: 'c', ADMIN: 'admin', ORDERS_IMAGE: 'o:1' };
const read = (more: Record<string, string> = {}): StackFile =>
  StackFile.read([join(STACK_FOLDER, 'stack.yml')], { ...VALUES, ...more });

function deploymentOf(file: string, devIssuer: boolean, shell: NodeJS.ProcessEnv): Deployment {
  const envFiles = [join(STACK_FOLDER, file)];
  return new Deployment({ stack: 'orders', envFiles, files: [], state: '/none', devIssuer }, shell);
}

function settingsIn(environment: unknown): Readonly<Record<string, string>> {
  return (environment ?? {}) as Record<string, string>;
}

describe('deploy/swarm/stack.yml', () => {
  it('needs the labels of docs/run.md, and those of services with replicas only', () => {
    expect([...read().labels.keys()].toSorted()).toEqual([
      'orders.gateway',
      'orders.kafka-1',
      'orders.kafka-2',
      'orders.kafka-3',
      'orders.mongodb-1',
      'orders.mongodb-2',
      'orders.mongodb-3',
      'orders.monitoring',
      'orders.registry',
    ]);
    expect(read().labels.get('orders.monitoring')).toContain('grafana');
    expect(read({ GRAFANAS: '0' }).labels.get('orders.monitoring')).not.toContain('grafana');
  });

  it.each([
    { file: 'one-node.env', devIssuer: true },
    { file: 'three-nodes.env', devIssuer: false },
  ])('has a value for every variable with $file', ({ file, devIssuer }) => {
    expect(deploymentOf(file, devIssuer, {}).read().missing).toEqual([]);
  });

  it.each([
    ['three-nodes.env', {}, 'dev-issuer: AUTH_ISSUER is https://login.example.com: leave out --dev-issuer'],
    [
      'one-node.env',
      { AUTH_ISSUER: 'https://login.example' },
      'dev-issuer: AUTH_ISSUER is https://login.example: leave',
    ],
    [
      'one-node.env',
      { PUBLIC_URL: 'https://orders.example' },
      'dev-issuer: PUBLIC_URL is https://orders.example, which',
    ],
    [
      'one-node.env',
      { PUBLIC_URL: 'https://[2001:db8::1]:8443' },
      'dev-issuer: PUBLIC_URL is https://[2001:db8::1]:8443, which',
    ],
    [
      'one-node.env',
      { PUBLIC_URL: 'localhost:8443' },
      'dev-issuer: PUBLIC_URL is "localhost:8443": set it to the https',
    ],
  ])('is not deployed with a development issuer with %s and %j', (file, shell, message) => {
    expect(() => deploymentOf(file, true, shell)).toThrow(message);
    expect(() => deploymentOf(file, false, shell)).not.toThrow();
  });

  it.each(['https://localhost:8443', 'https://127.0.0.1:8443', 'https://[::1]:8443'])(
    'may have a development issuer at %s',
    (PUBLIC_URL) => {
      expect(deploymentOf('one-node.env', true, { PUBLIC_URL }).read().services.has('issuer')).toBe(true);
    },
  );

  it('gives every service but the scaler a volume for profiles with stack.profiles.yml, and tokens too', () => {
    const files = ['stack.yml', 'stack.profiles.yml'].map((file) => join(STACK_FOLDER, file));
    const services = [...StackFile.read(files, { ...VALUES, AUTH_ISSUER: 'https://login.example' }).services];
    const profiled = services.filter(([, { environment }]) => settingsIn(environment)['PROFILE_DIR'] === '/profiles');
    expect(profiled.map(([name]) => name)).toEqual(['query-api', 'producer', 'consumer', 'console', 'facade']);
    for (const [name, { environment, volumes }] of profiled) {
      expect([name, settingsIn(environment)['AUTH_ISSUER']]).toEqual([name, 'https://login.example']);
      const own = name === 'producer' ? ['producer-tmp:/tmp'] : [];
      expect(volumes).toEqual([...own, 'profiles:/profiles']);
    }
  });

  it('names variables without a value', () => {
    expect(read().missing.filter((name) => !name.startsWith('HASH_'))).toEqual(['AUTH_ISSUER', 'PUBLIC_URL']);
  });

  it('gives each secret and config a name with the hash of its content', () => {
    for (const { key, name } of read({ HASH_USERS: '123' }).files)
      expect(name).toBe(`orders_${key}_${key === 'users' ? '123' : ''}`);
  });

  it('defines every secret and config that a service uses, and no other', () => {
    const stackFile = read();
    const used = [...stackFile.services.values()].flatMap(({ secrets = [], configs = [] }) =>
      [...(secrets as unknown[]), ...(configs as unknown[])].map((each) =>
        typeof each === 'string' ? each : (each as { source: string }).source,
      ),
    );
    expect([...new Set(used)].toSorted()).toEqual(stackFile.files.map(({ key }) => key).toSorted());
  });

  it('lets every service be updated, rolled back and stopped in order', () => {
    for (const [name, { deploy, ...service }] of read().services) {
      if (deploy?.mode === 'replicated-job') continue;
      expect([name, deploy]).toEqual([
        name,
        expect.objectContaining({
          endpoint_mode: 'dnsrr',
          update_config: expect.objectContaining({ failure_action: 'rollback', parallelism: 1 }),
          rollback_config: expect.objectContaining({ parallelism: 1 }),
          resources: expect.objectContaining({ limits: expect.anything(), reservations: expect.anything() }),
        }),
      ]);
      expect([name, service]).toEqual([
        name,
        expect.objectContaining({ stop_grace_period: expect.any(String), healthcheck: expect.anything() }),
      ]);
    }
  });

  it('lets only the console and Prometheus reach the service that holds the socket of Docker', () => {
    const services = [...read().services].map(([name, { networks }]) => ({ name, networks: networks as string[] }));
    expect(services.find(({ name }) => name === 'swarm-scaler')?.networks).toEqual(['scaler']);
    const reaching = services.filter(({ networks }) => networks.includes('scaler')).map(({ name }) => name);
    expect(reaching).toEqual(['console', 'swarm-scaler', 'prometheus']);
  });

  it('reads octal modes and reservations', () => {
    const kafka = read({ KAFKA_MEMORY: '1G', DATA_CPUS: '0.5' }).services.get('kafka-1');
    expect(kafka).toMatchObject({ secrets: [{ mode: 0o400 }] });
    expect(kafka && [labelOf(kafka), reservedMemory(kafka), reservedCpus(kafka)]).toEqual([
      'orders.kafka-1',
      2 ** 30,
      0.5,
    ]);
  });

  it('gives Docker a part of itself, in which no variable is left', () => {
    const part = JSON.parse(read().only(['console'])) as {
      services: Record<string, { healthcheck: { test: string[] } }>;
    };
    expect(Object.keys(part.services)).toEqual(['console']);
    const check = part.services['console']?.healthcheck.test.join(' ');
    expect(check).toContain('/dev/tcp/127.0.0.1/$$PORT');
  });
});
