import { z } from 'zod';

/** Thrown when a setting is missing or invalid; the process then doesn't start. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'bad-settings';
}

/**
 * Reads settings from environment variables. An empty variable counts as absent, since shells and Compose files can't
 * unset one.
 * @throws SettingsError with every invalid variable and the reason
 */
export function loadSettings<T extends z.ZodType>(schema: T, environment: NodeJS.ProcessEnv): z.infer<T> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new SettingsError(`Invalid settings (see .env.example):\n${lines.join('\n')}`);
}

/** Parses an integer within bounds from text. */
export function wholeNumber(minimum: number, maximum: number): z.ZodType<number, string> {
  return z
    .string()
    .regex(/^\d{1,16}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, `must be from ${minimum} to ${maximum}`);
}

/** The settings of every HTTP service. `PORT` 0 chooses a free port. */
export function httpSettings(defaultPort: number) {
  return {
    LISTEN_HOST: z.string().default('127.0.0.1'),
    PORT: wholeNumber(0, 65_535).default(defaultPort),
    ALLOWED_HOSTS: names('host names'),
    CORS_ORIGINS: names('origins such as https://example.com'),
    RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000_000).default(120_000),
    LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  };
}

/** The parsed `httpSettings`. */
export interface HttpSettings {
  readonly LISTEN_HOST: string;
  readonly PORT: number;
  /** Host names that are accepted in addition to those of loopback. */
  readonly ALLOWED_HOSTS: readonly string[];
  /** Origins whose pages may call the service from a browser. */
  readonly CORS_ORIGINS: readonly string[];
  /** Maximum requests per minute and client; 0 means no limit. */
  readonly RATE_LIMIT_PER_MINUTE: number;
}

/** A comma-separated list of names, empty by default. */
function names(what: string) {
  return z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .refine((list) => list.every((name) => /^[\w.:/[\]-]+$/.test(name)), `must be ${what}, separated by commas`);
}

export const mongoSettings = {
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/.+/, 'must begin with mongodb:// or mongodb+srv://')
    .default('mongodb://127.0.0.1:27017/orders'),
};

export const kafkaSettings = {
  KAFKA_BROKERS: z
    .string()
    .default('127.0.0.1:9092')
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .refine(
      (brokers) => brokers.every((broker) => /^.+:\d{1,5}$/.test(broker)),
      'must be host:port, separated by commas',
    ),
  KAFKA_CLUSTER_ID: z.string().optional(),
  TOPIC_PARTITIONS: wholeNumber(1, 10_000).optional(),
  SCHEMA_REGISTRY_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' })
    .default('http://127.0.0.1:8081/apis/ccompat/v7')
    .transform((address) => address.replace(/\/+$/, '')),
};
