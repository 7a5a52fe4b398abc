import { z } from 'zod';
import { httpAddress } from '../settings/settings.js';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/**
 * The standard variables of OpenTelemetry that the documents name. The SDK reads all of them itself, and others: see its specification of
 * environment variables. A wrong value causes a warning and no failure: orders never wait for traces.
 */
export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpAddress().optional().meta({
    description:
      'Where spans are sent, such as `http://collector:4318`. Unset: no traces, and nothing of them is loaded.',
  }),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/protobuf', 'http/json', 'grpc'])
    .default('http/protobuf')
    .meta({ description: 'Protocol of the endpoint.' }),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional().meta({
    description: 'Headers of each export, such as those of an API key.',
    allowed: 'name=value, separated by commas',
    secret: true,
  }),
  OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on').meta({
    description: 'Which orders and requests are traced. An order of a populate or an import begins a trace of its own.',
  }),
  OTEL_TRACES_SAMPLER_ARG: z
    .string()
    .regex(/^(?:0(?:\.\d+)?|1(?:\.0+)?)$/)
    .default('1')
    .meta({ description: 'Share of the traces that `traceidratio` takes.', allowed: 'a number from 0 to 1' }),
  OTEL_SERVICE_NAME: z.string().optional().meta({
    description: 'Name of the service in its spans.',
    allowed: 'a name',
    shownDefault: '`orders-` and the name of the service',
  }),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional().meta({
    description: 'Attributes of all spans, such as `deployment.environment.name=production`.',
    allowed: 'name=value, separated by commas',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: z
    .string()
    .regex(/^[1-9]\d{0,6}$/)
    .default('2048')
    .meta({
      description: 'Spans in memory that wait for their export; further ones are dropped and counted.',
      allowed: 'an integer from 1 to 9,999,999',
    }),
};

export const tracingSchema = z.object(tracingSettings);
