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
  const wrong = readFiles(process.env);
  if (!isTracingOn(process.env)) return;
  const { startOpenTelemetry } = await import('./opentelemetry.js');
  const log = createLogger(service, 'info');
  if (wrong !== undefined) log.warn({ reason: wrong }, 'traces are incomplete');
  const isWarned = wrong !== undefined;
  const traces = await startOpenTelemetry({ service, log, isWarned, registry: register, clock: systemClock });
  setTracing(traces);
  addLogFields(() => traces.logFields());
}

/** Sets the variables whose values are in files, which the SDK does not read. @returns why a setting is wrong, if one is */
export function readFiles(environment: NodeJS.ProcessEnv): string | undefined {
  // Judged first: afterwards a variable and its file would both be set.
  const wrong = whatIsWrong(environment);
  Object.assign(environment, readGivenSettings(Object.keys(tracingSettings), environment).values);
  return wrong;
}

function whatIsWrong(environment: NodeJS.ProcessEnv): string | undefined {
  try {
    loadSettings(tracingSchema, environment);
    return undefined;
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
}
