import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { SettingsError, httpSettings, kafkaSettings, loadSettings, mongoSettings } from './settings.js';

const Schema = z.object({ ...httpSettings(3_000), ...mongoSettings, ...kafkaSettings });

describe('settings', () => {
  it('have working defaults, also for a variable that is set but empty', () => {
    expect(loadSettings(Schema, { PORT: '', KAFKA_CLUSTER_ID: '' })).toEqual({
      LISTEN_HOST: '127.0.0.1',
      PORT: 3_000,
      ALLOWED_HOSTS: [],
      CORS_ORIGINS: [],
      RATE_LIMIT_PER_MINUTE: 120_000,
      LOG_LEVEL: 'info',
      MONGODB_URI: 'mongodb://127.0.0.1:27017/orders',
      KAFKA_BROKERS: ['127.0.0.1:9092'],
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
    });
  });

  it('accept comma-separated lists', () => {
    const { ALLOWED_HOSTS } = loadSettings(Schema, { ALLOWED_HOSTS: 'orders.example, [::1],' });
    expect(ALLOWED_HOSTS).toEqual(['orders.example', '[::1]']);
  });

  it('name each wrong variable once, with its value, what is allowed, and where it is documented', () => {
    const bad = { PORT: '70000', KAFKA_BROKERS: 'a:1,b', TOPIC_PARTITIONS: '1.5', LOG_LEVEL: 'loud' };
    expect(messageOf(bad)).toBe(`Invalid settings:
  PORT must be an integer from 0 to 65,535, got "70000" (docs/configuration.md#port)
  LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, got "loud" (docs/configuration.md#log_level)
  KAFKA_BROKERS must be host:port, separated by commas, got "a:1,b" (docs/configuration.md#kafka_brokers)
  TOPIC_PARTITIONS must be an integer from 1 to 10,000, got "1.5" (docs/configuration.md#topic_partitions)`);
  });

  it('never show a secret, nor an address with a password in a setting that usually has none', () => {
    const bad = {
      MONGODB_URI: 'mongo://me:s3cret',
      SCHEMA_REGISTRY_URL: 's3cret',
      CORS_ORIGINS: 'https://me:s3cret@there?',
    };
    const message = messageOf(bad);
    expect(message).not.toContain('s3cret');
    for (const name of Object.keys(bad))
      expect(message).toMatch(new RegExp(`^  ${name} must be .*, got a value that may be secret \\(`, 'm'));
  });

  it('with a removed name are rejected with the new name, along with all other wrong ones', () => {
    const IN_FLIGHT_OVERRIDES_SINCE = z.string().optional();
    const Renamed = Schema.extend({ IN_FLIGHT_OVERRIDES_SINCE });
    expect(messageOf({ IN_FLIGHT_WISHES_SINCE: '2026-01-31', PORT: 'x' }, Renamed)).toBe(`Invalid settings:
  IN_FLIGHT_WISHES_SINCE was renamed: set IN_FLIGHT_OVERRIDES_SINCE instead (docs/configuration.md#in_flight_overrides_since)
  PORT must be an integer from 0 to 65,535, got "x" (docs/configuration.md#port)`);
    expect(() => loadSettings(Renamed, { IN_FLIGHT_WISHES_SINCE: '2026-01-31' })).toThrow(SettingsError);
    expect(loadSettings(Renamed, { IN_FLIGHT_WISHES_SINCE: '' })).toMatchObject({ PORT: 3_000 });
  });

  it('with a removed name are ignored by a service that never read it', () => {
    expect(loadSettings(Schema, { IN_FLIGHT_WISHES_SINCE: '2026-01-31' })).toMatchObject({ PORT: 3_000 });
  });
});

function messageOf(environment: NodeJS.ProcessEnv, schema: z.ZodObject = Schema): string {
  try {
    loadSettings(schema, environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('was not rejected');
}
