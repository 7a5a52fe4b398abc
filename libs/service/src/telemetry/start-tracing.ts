import type { Logger } from 'pino';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { addLogFields, createLogger } from '../process/logs.js';
import { loadSettings, readGivenSettings, SettingsError } from '../settings/settings.js';
import { setTracing } from './tracing.js';
import { tracingSchema, tracingSettings } from './tracing-settings.js';

/** Whether the environment asks for traces, by the standard variables of OpenTelemetry. */
export function isTracingOn(environment: NodeJS.ProcessEnv): boolean {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER = '' } = environment;
  if (OTEL_SDK_DISABLED?.toLowerCase() === 'true' || OTEL_TRACES_EXPORTER === 'none') return false;
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = environment;
  return Boolean(OTEL_TRACES_EXPORTER || OTEL_EXPORTER_OTLP_ENDPOINT || OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/**
 * Starts the traces of this process if the environment asks for them. Otherwise it loads nothing. It must be called before the modules that
 * are instrumented are loaded: `mongodb` and `node:http`.
 * @param service the name of the service, if `OTEL_SERVICE_NAME` is not set
 */
export async function startTracing(service: string): Promise<void> {
  // The SDK does not read values from files.
  const { values } = readGivenSettings(Object.keys(tracingSettings), process.env);
  Object.assign(process.env, values);
  if (!isTracingOn(process.env)) return;
  const { startOpenTelemetry } = await import('./opentelemetry.js');
  const log = createLogger(service, 'info');
  const isWarned = warnOfWrongSettings(log);
  const traces = await startOpenTelemetry({ service, log, isWarned, registry: register, clock: systemClock });
  setTracing(traces);
  addLogFields(() => traces.logFields());
}

/** @returns whether a setting is wrong */
function warnOfWrongSettings(log: Pick<Logger, 'warn'>): boolean {
  try {
    loadSettings(tracingSchema, process.env);
    return false;
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    log.warn({ reason: error.message }, 'traces are incomplete');
    return true;
  }
}
