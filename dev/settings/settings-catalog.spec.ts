import { describe, expect, it } from '@jest/globals';
import { catalogSettings } from './settings-catalog.js';

const sections = catalogSettings();
const settings = sections.flatMap((section) => section.settings);
const find = (name: string) => settings.find((setting) => setting.name === name);

describe('the catalog of settings', () => {
  it('has each setting once, with a sentence and the allowed values', () => {
    expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
    for (const { name, description, allowed } of settings) {
      expect({ name, description }).toEqual({ name, description: expect.stringMatching(/^.{10,}\.$/) });
      expect({ name, allowed }).toEqual({ name, allowed: expect.stringMatching(/^\S.*[^.]$/) });
    }
  });

  it('marks every setting with a credential as secret', () => {
    const secrets = settings.filter(({ secret }) => secret).map(({ name }) => name);
    expect(secrets.toSorted()).toEqual([
      'AUTOSCALE_ACTUATOR_TOKEN',
      'FACADE_CLIENT_SECRET',
      'GRAFANA_ADMIN_PASSWORD',
      'KAFKA_SASL_PASSWORD',
      'MONGODB_URI',
      'ORDERS_CLIENT_SECRET',
      'ORDERS_TOKEN',
      'PAGE_TOKEN_SECRET',
      'PAGE_TOKEN_SECRETS_BEFORE',
      'SCALER_TOKEN',
      'SCHEMA_REGISTRY_PASSWORD',
      'SCHEMA_REGISTRY_TOKEN',
      'SCHEMA_REGISTRY_URL',
    ]);
  });

  it('names the programs that read a setting', () => {
    expect(find('LAG_CEILING')?.readers).toEqual(['producer']);
    expect(find('KAFKA_PORT')?.readers).toEqual(['npm start', 'Compose', 'npm run reconcile', 'npm run admin']);
  });

  it('shows one value if all programs agree, and otherwise that of each', () => {
    expect(find('RATE_LIMIT_PER_MINUTE')?.shownDefault).toBe('120000');
    expect(find('PORT')?.shownDefault).toBe(
      '3001 (producer); 0 (consumer); 3000 (query API); 3002 (console); 3003 (issuer); 3005 (facade); 3010 (legacy system); 3006 (swarm scaler)',
    );
    expect(find('TOPIC_PARTITIONS')?.allowed).toBe(
      'an integer from 1 to 10,000 (producer, consumer, console, npm run admin); an integer from 1 to 1,000 (npm start)',
    );
  });

  it('has what is set for each process in the last section, and nothing else', () => {
    const last = sections.at(-1)?.settings ?? [];
    expect(last).toEqual(settings.filter(({ perProcess }) => perProcess));
    expect(last.map(({ name }) => name)).toContain('SCALED_BY');
  });
});
