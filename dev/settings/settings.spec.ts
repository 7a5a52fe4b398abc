import { describe, expect, it } from '@jest/globals';
import { catalogSettings, reportUnknownSettings } from './settings-catalog.js';

describe('the catalog of settings', () => {
  const sections = catalogSettings();
  const settings = sections.flatMap((section) => section.settings);

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
      'OTEL_EXPORTER_OTLP_HEADERS',
      'PAGE_TOKEN_SECRET',
      'PAGE_TOKEN_SECRETS_BEFORE',
      'SCALER_TOKEN',
      'SCHEMA_REGISTRY_PASSWORD',
      'SCHEMA_REGISTRY_TOKEN',
      'SCHEMA_REGISTRY_URL',
    ]);
  });

  it('has what is set for each process in the last section, and nothing else', () => {
    const last = sections.at(-1)?.settings ?? [];
    expect(last).toEqual(settings.filter(({ perProcess }) => perProcess));
    expect(last.map(({ name }) => name)).toContain('SCALED_BY');
  });
});

describe('a name in .env', () => {
  it.each([
    ['# SAVE_DELAY=1', []],
    ["ORDERING=key\nNODE_IMAGE='node:24'\nORDERS_TOKEN_FILE=/run/secrets/token", []],
    [
      'SAVE_DELAYS_MS=0..10',
      ['SAVE_DELAYS_MS is not a setting of the pipeline; docs/configuration.md has their names'],
    ],
    [
      'IN_FLIGHT_WISHES_SINCE=2026-01-31',
      ['IN_FLIGHT_WISHES_SINCE was renamed: set IN_FLIGHT_OVERRIDES_SINCE instead'],
    ],
  ])('is reported if it is no setting: %j', (file, reports) => {
    expect(reportUnknownSettings(`${file}\n`)).toEqual(reports.map((report) => `.env: ${report}`));
  });
});
