import { describe, expect, it } from '@jest/globals';
import { isTracingOn } from './start-tracing.js';

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
});
