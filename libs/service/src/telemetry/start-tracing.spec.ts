import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isTracingOn, readFiles } from './start-tracing.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };

describe('traces', () => {
  it.each<[string, boolean, NodeJS.ProcessEnv]>([
    ['off', false, {}],
    ['off with an empty endpoint', false, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    [
      'off although a sampler and a name are set',
      false,
      { OTEL_TRACES_SAMPLER: 'always_on', OTEL_SERVICE_NAME: 'orders' },
    ],
    ['on with an endpoint', true, ENDPOINT],
    [
      'on with an endpoint for traces alone',
      true,
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' },
    ],
    ['on with another exporter', true, { OTEL_TRACES_EXPORTER: 'console' }],
    ['off with an endpoint and no exporter', false, { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['off when the SDK is disabled', false, { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  ])('are %s', (_, isOn, environment) => {
    expect(isTracingOn(environment)).toBe(isOn);
  });

  it('use a header from a file, and warn of nothing', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orders-tracing-'));
    const path = join(folder, 'headers');
    writeFileSync(path, 'api-key=secret');
    const environment: NodeJS.ProcessEnv = { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS_FILE: path };
    const wrong = readFiles(environment);
    rmSync(folder, { recursive: true });
    expect([wrong, environment['OTEL_EXPORTER_OTLP_HEADERS']]).toEqual([undefined, 'api-key=secret']);
    expect(readFiles({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
  });
});
