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

  it('name every invalid variable in the error', () => {
    const bad = {
      PORT: '70000',
      MONGODB_URI: 'localhost',
      KAFKA_BROKERS: 'a:1,b',
      SCHEMA_REGISTRY_URL: 'x',
      TOPIC_PARTITIONS: '1.5',
    };
    const load = (): unknown => loadSettings(Schema, bad);
    expect(load).toThrow(SettingsError);
    for (const name of Object.keys(bad)) expect(load).toThrow(new RegExp(`^  ${name}: `, 'm'));
  });
});
