import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { StackError } from '../stack-error.js';
import { readStackOptions } from './stack-options.js';

function read(args: string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof readStackOptions> {
  return readStackOptions(args, env, '/project');
}

function refusal(args: string[], env: NodeJS.ProcessEnv = {}): StackError {
  try {
    read(args, env);
  } catch (error) {
    if (error instanceof StackError) return error;
    throw error;
  }
  throw new Error('was not rejected');
}

describe('npm start', () => {
  it('has a default for everything', () => {
    expect(read([])).toEqual({
      dataDirectory: '/project/.data',
      consumers: 1,
      partitions: undefined,
      watch: false,
      isReplicated: false,
      auth: false,
      isSecured: false,
      legacy: false,
      console: true,
      autoscale: undefined,
      serversOnly: false,
      serverPorts: { kafka: 9092, registry: 8081, mongodb: 27017 },
      producerPort: 3001,
      queryApiPort: 3000,
      consolePort: 3002,
      issuerPort: 3003,
      facadePort: 3005,
      legacyPort: 3010,
      listenHost: '127.0.0.1',
      consumerSettings: {},
      external: { kafka: false, registry: false, mongodb: false },
    });
  });

  it('lets the console scale, or only report: --autoscale has an optional mode', () => {
    expect(read(['--autoscale']).autoscale).toBe('on');
    expect(read(['--autoscale', '--consumers', '2'])).toMatchObject({ autoscale: 'on', consumers: 2 });
    expect(read(['--autoscale', 'dry-run', '--auth']).autoscale).toBe('dry-run');
    expect(read(['--autoscale=on']).autoscale).toBe('on');
    expect(refusal(['--autoscale', 'off']).message).toBe('--autoscale must be on or dry-run, got "off".');
    expect(refusal(['--partitions', '4'], { AUTOSCALE_MAX_CONSUMERS: '5' }).message).toContain(
      'AUTOSCALE_MAX_CONSUMERS must be an integer from 1 to 1,000, got "5", which is above the number of partitions',
    );
    expect(refusal([], { AUTOSCALE_MIN_CONSUMERS: '5', AUTOSCALE_MAX_CONSUMERS: '4' }).code).toBe('bad-setting');
    expect(read([], { AUTOSCALE_MAX_CONSUMERS: '24' }).partitions).toBeUndefined();
    expect(refusal(['--autoscale', '--no-console']).message).toContain('can not be combined with --no-console');
  });

  it('accepts every documented flag', () => {
    const flags = [
      '--data',
      '/big',
      '--consumers',
      '4',
      '--partitions',
      '24',
      '--in-flight',
      '500',
      '--ordering',
      'partition',
      '--save-ms',
      '0..100',
      '--legacy',
      '--no-console',
      '--servers-only',
      '--watch',
    ];
    expect(read(flags)).toMatchObject({
      dataDirectory: '/big',
      consumers: 4,
      partitions: 24,
      legacy: true,
      console: false,
      serversOnly: true,
      watch: true,
      consumerSettings: { IN_FLIGHT_LIMIT: '500', ORDERING: 'partition', SAVE_DELAY_MS: '0..100' },
    });
  });

  it('lets consumers choose their in-flight limit automatically', () => {
    expect(read(['--in-flight', 'auto']).consumerSettings).toEqual({ IN_FLIGHT_LIMIT: 'auto' });
  });

  it('uses TOPIC_PARTITIONS as the number of partitions unless the flag is set', () => {
    expect(read([], { TOPIC_PARTITIONS: '6' }).partitions).toBe(6);
    expect(read(['--partitions', '24'], { TOPIC_PARTITIONS: '6' }).partitions).toBe(24);
  });

  it('starts no server that is configured from outside, for each server separately', () => {
    expect(read([], { KAFKA_BROKERS: 'kafka:9092' }).external).toEqual({
      kafka: true,
      registry: false,
      mongodb: false,
    });
    expect(read([], { SCHEMA_REGISTRY_URL: 'http://r' }).external).toEqual({
      kafka: false,
      registry: true,
      mongodb: false,
    });
    expect(read([], { MONGODB_URI: 'mongodb://m' }).external).toEqual({ kafka: false, registry: false, mongodb: true });
  });

  it('starts no server whose address is in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'stack-options-'));
    const file = join(folder, 'uri');
    writeFileSync(file, 'mongodb://m\n');
    expect(read([], { MONGODB_URI_FILE: file }).external.mongodb).toBe(true);
    rmSync(folder, { recursive: true });
    expect(refusal([], { MONGODB_URI_FILE: file }).message).toContain('The file of MONGODB_URI_FILE does not exist');
    expect(refusal(['--auth'], { AUTH_ISSUER_FILE: file }).message).toContain('AUTH_ISSUER_FILE');
  });

  it('secures the embedded servers with tokens too, and no others', () => {
    expect(read(['--secured'])).toMatchObject({ isSecured: true, auth: true });
    expect(refusal(['--secured'], { AUTH_ISSUER: 'http://there' }).message).toContain('--secured runs its own issuer');
    const servers = { KAFKA_BROKERS: 'a:1', SCHEMA_REGISTRY_URL: 'http://a', MONGODB_URI: 'mongodb://a' };
    for (const [name, address] of Object.entries(servers))
      expect(refusal(['--secured'], { [name]: address })).toMatchObject({
        code: 'bad-flag',
        message: `--secured is about the embedded servers and can not be combined with ${name}.`,
      });
  });

  it('rejects credentials for an embedded server', () => {
    const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: 's3cret' };
    expect(read([], { KAFKA_SSL: 'false' }).external.kafka).toBe(false);
    expect(refusal([], { KAFKA_SSL: 'true' }).message).toContain('KAFKA_SSL is set without KAFKA_BROKERS');
    expect(refusal([], sasl)).toMatchObject({
      message: 'KAFKA_SASL_MECHANISM is set without KAFKA_BROKERS: the embedded server has no such user.',
      remedy: 'Set KAFKA_BROKERS to your own server too, or unset KAFKA_SASL_MECHANISM.',
    });
    expect(read([], { ...sasl, KAFKA_BROKERS: 'kafka:9093', KAFKA_SSL: 'true' }).external.kafka).toBe(true);
  });

  it.each([
    [['--consumers', 'many']],
    [['--consumers', '65']],
    [['--consumers=-1']],
    [['--partitions', '0']],
    [['--partitions', '1.5']],
    [['--in-flight', '1e3']],
    [['--ordering', 'random']],
    [['--save-ms', '1000']],
    [['--save-ms', '9..1']],
    [['--unknown']],
    [['stray']],
    [['--data']],
  ])('rejects %j with the list of valid flags and exit code 2', (args) => {
    const error = refusal(args);
    expect(error).toMatchObject({ code: 'bad-flag', exitCode: 2 });
    expect(error.remedy).toContain('--consumers N');
  });

  it.each(['0', '65536', 'abc', '80.5'])('rejects %j as a port', (text) => {
    const error = refusal([], { KAFKA_PORT: text });
    expect(error).toMatchObject({ code: 'bad-setting', exitCode: 2 });
    expect(error.message).toContain('KAFKA_PORT');
  });

  it('rejects all wrong settings at once', () => {
    const { message } = refusal([], { KAFKA_PORT: 'x', TOPIC_PARTITIONS: '1001' });
    expect(message).toBe(`Invalid settings:
  KAFKA_PORT must be an integer from 1 to 65,535, got "x" (docs/configuration.md#kafka_port)
  TOPIC_PARTITIONS must be an integer from 1 to 1,000, got "1001" (docs/configuration.md#topic_partitions)`);
  });

  it('rejects the same port for two', () => {
    expect(refusal([], { PRODUCER_PORT: '3000' }).message).toBe('PRODUCER_PORT and QUERY_API_PORT are both 3000.');
    expect(refusal([], { CONSOLE_PORT: '3001' }).message).toBe('PRODUCER_PORT and CONSOLE_PORT are both 3001.');
  });

  it('needs a port of its own for the legacy system only if that runs', () => {
    expect(read([], { LEGACY_PORT: '3000' }).legacy).toBe(false);
    expect(refusal(['--legacy'], { LEGACY_PORT: '3000' }).message).toBe(
      'QUERY_API_PORT and LEGACY_PORT are both 3000.',
    );
  });

  it('needs a port for the console only if that runs', () => {
    expect(refusal([], { CONSOLE_PORT: '3000' }).message).toBe('QUERY_API_PORT and CONSOLE_PORT are both 3000.');
    expect(read(['--no-console'], { CONSOLE_PORT: '3000' }).console).toBe(false);
  });

  it('runs two of each service, three nodes of each server and three consumers when replicated', () => {
    expect(read(['--replicated'])).toMatchObject({ isReplicated: true, consumers: 3 });
    expect(read(['--replicated', '--consumers', '1']).consumers).toBe(1);
  });

  it('then also needs the next ports of each server', () => {
    const taken = { MONGODB_PORT: '9094' };
    expect(read([], taken).serverPorts.mongodb).toBe(9094);
    expect(refusal(['--replicated'], taken).message).toBe('KAFKA_PORT and MONGODB_PORT are both 9094.');
    expect(refusal(['--replicated'], { KAFKA_PORT: '65534' }).message).toContain('KAFKA_PORT leaves no room');
  });

  it('ignores the port of a server that is not started', () => {
    expect(read([], { KAFKA_PORT: '8081', KAFKA_BROKERS: 'kafka:9092' }).serverPorts.kafka).toBe(8081);
  });
});
