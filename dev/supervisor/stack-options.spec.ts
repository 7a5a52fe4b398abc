import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder, writeInto } from '#orders/testing/temporary-folder.js';
import { readStackOptions, type StackOptions } from './stack-options.js';

function read(flags: string, env: NodeJS.ProcessEnv = {}): StackOptions {
  return readStackOptions(flags === '' ? [] : flags.split(' '), env, '/project');
}

const EMBEDDED = { kafka: false, registry: false, mongodb: false };
const SASL = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ann', KAFKA_SASL_PASSWORD: 's3cret' };

describe('npm start', () => {
  const folder = useTemporaryFolder();

  it.each<[string, NodeJS.ProcessEnv, object]>([
    [
      '--data /big --consumers 4 --in-flight 500 --ordering partition --save-ms 0..100 --no-console --watch',
      {},
      {
        dataDirectory: '/big',
        consumers: 4,
        console: false,
        watch: true,
        consumerSettings: { IN_FLIGHT_LIMIT: '500', ORDERING: 'partition', SAVE_DELAY_MS: '0..100' },
      },
    ],
    ['--autoscale', {}, { autoscale: 'on', consumers: 1 }],
    ['--autoscale --consumers 2', {}, { autoscale: 'on', consumers: 2 }],
    ['--autoscale dry-run --auth', {}, { autoscale: 'dry-run', auth: true }],
    ['--autoscale=on', {}, { autoscale: 'on' }],
    ['', { AUTOSCALE_MAX_CONSUMERS: '24' }, { partitions: undefined }],
    ['--in-flight auto', {}, { consumerSettings: { IN_FLIGHT_LIMIT: 'auto' } }],
    ['', { TOPIC_PARTITIONS: '6' }, { partitions: 6 }],
    ['--partitions 24', { TOPIC_PARTITIONS: '6' }, { partitions: 24 }],
    ['--secured', {}, { isSecured: true, auth: true }],
    ['', { KAFKA_SSL: 'false' }, { external: EMBEDDED }],
    ['--replicated', {}, { isReplicated: true, consumers: 3 }],
    ['--replicated --consumers 1', {}, { consumers: 1 }],
    // Each server that is configured from outside is not started, separately.
    ['', { KAFKA_BROKERS: 'kafka:9092' }, { external: { ...EMBEDDED, kafka: true } }],
    ['', { SCHEMA_REGISTRY_URL: 'http://r' }, { external: { ...EMBEDDED, registry: true } }],
    ['', { MONGODB_URI: 'mongodb://m' }, { external: { ...EMBEDDED, mongodb: true } }],
    ['', { ...SASL, KAFKA_BROKERS: 'k:1', KAFKA_SSL: 'true' }, { external: { ...EMBEDDED, kafka: true } }],
    // What is not started needs no port of its own.
    ['', { LEGACY_PORT: '3000' }, { legacy: false }],
    ['--no-console', { CONSOLE_PORT: '3000' }, { console: false }],
    ['', { MONGODB_PORT: '9094' }, { isReplicated: false }],
    ['', { KAFKA_PORT: '8081', KAFKA_BROKERS: 'k:9092' }, { external: { ...EMBEDDED, kafka: true } }],
  ])('accepts the flags "%s" with %j', (flags, env, options) => {
    expect(read(flags, env)).toMatchObject(options);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['--partitions 4', { AUTOSCALE_MAX_CONSUMERS: '5' }, /1,000, got "5", which is above the number of partitions/],
    ['', { AUTOSCALE_MIN_CONSUMERS: '5', AUTOSCALE_MAX_CONSUMERS: '4' }, /AUTOSCALE_M/],
    ['--secured', { AUTH_ISSUER: 'http://there' }, /--secured runs its own issuer/],
    ['--secured', { KAFKA_BROKERS: 'a:1' }, /the embedded servers and can not be combined with KAFKA_BROKERS\.$/],
    ['--secured', { SCHEMA_REGISTRY_URL: 'http://a' }, /can not be combined with SCHEMA_REGISTRY_URL\.$/],
    ['--secured', { MONGODB_URI: 'mongodb://a' }, /can not be combined with MONGODB_URI\.$/],
    ['', { KAFKA_SSL: 'true' }, /KAFKA_SSL is set without KAFKA_BROKERS/],
    ['', SASL, /^KAFKA_SASL_MECHANISM is set without KAFKA_BROKERS: the embedded server has no such user\.$/],
    ...['0', '65536', 'abc', '80.5'].map((port): [string, NodeJS.ProcessEnv, RegExp] => [
      '',
      { KAFKA_PORT: port },
      /^Invalid settings:\n {2}KAFKA_PORT must be an integer from 1 to 65,535/,
    ]),
    ['', { PRODUCER_PORT: '3000' }, /^PRODUCER_PORT and QUERY_API_PORT are both 3000\.$/],
    ['', { CONSOLE_PORT: '3001' }, /^PRODUCER_PORT and CONSOLE_PORT are both 3001\.$/],
    ['', { CONSOLE_PORT: '3000' }, /^QUERY_API_PORT and CONSOLE_PORT are both 3000\.$/],
    ['--legacy', { LEGACY_PORT: '3000' }, /^QUERY_API_PORT and LEGACY_PORT are both 3000\.$/],
    ['--replicated', { MONGODB_PORT: '9094' }, /^KAFKA_PORT and MONGODB_PORT are both 9094\.$/],
    ['--replicated', { KAFKA_PORT: '65534' }, /KAFKA_PORT leaves no room/],
  ])('rejects the flags "%s" with %j', (flags, env, message) => {
    const text: unknown = expect.stringMatching(message);
    expect(() => read(flags, env)).toThrow(expect.objectContaining({ exitCode: 2, message: text }));
  });

  it('rejects all wrong settings at once', () => {
    const message = `Invalid settings:
  KAFKA_PORT must be an integer from 1 to 65,535, got "x" (docs/configuration.md#kafka_port)
  TOPIC_PARTITIONS must be an integer from 1 to 1,000, got "1001" (docs/configuration.md#topic_partitions)`;
    const error = expect.objectContaining({ code: 'bad-setting', message });
    expect(() => read('', { KAFKA_PORT: 'x', TOPIC_PARTITIONS: '1001' })).toThrow(error);
  });

  it('names the remedy of credentials for an embedded server', () => {
    const remedy = 'Set KAFKA_BROKERS to your own server too, or unset KAFKA_SASL_MECHANISM.';
    expect(() => read('', SASL)).toThrow(expect.objectContaining({ remedy }));
  });

  it('starts no server whose address is in a file', async () => {
    const file = folder('uri');
    expect(() => read('', { MONGODB_URI_FILE: file })).toThrow('The file of MONGODB_URI_FILE does not exist');
    expect(() => read('--auth', { AUTH_ISSUER_FILE: file })).toThrow('AUTH_ISSUER_FILE');
    await writeInto(file, 'mongodb://m\n');
    expect(read('', { MONGODB_URI_FILE: file }).external.mongodb).toBe(true);
  });
});
