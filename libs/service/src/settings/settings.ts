import { isIP } from 'node:net';
import { z } from 'zod';
import { certificateFault } from './pem-files.js';
import { describeSettings, documentedAt } from './setting-docs.js';
import { contradictions } from './setting-relations.js';
import { fileVariable, readGivenSettings, type GivenSettings } from './setting-files.js';
import { timeLimit } from '#orders/time-limit.js';

/** Thrown when a setting is missing or invalid; the process then doesn't start. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'bad-settings';
}

/** Removed names of settings, and the names that replace them. */
export const RENAMED_SETTINGS: Readonly<Record<string, string>> = {
  IN_FLIGHT_WISHES_SINCE: 'IN_FLIGHT_OVERRIDES_SINCE',
};

/**
 * Reads settings from environment variables, or from the files that `X_FILE` variables name. An empty variable counts as absent, since
 * shells and Compose files can't unset one.
 * @throws SettingsError with a line for every wrong setting: its name, its value (unless it may be secret), what is allowed, and
 * where it is documented. A removed name of a setting is wrong too: to ignore it would silently change what the process does.
 */
export function loadSettings<T extends z.ZodObject>(schema: T, environment: NodeJS.ProcessEnv): z.infer<T> {
  const given = readGivenSettings(Object.keys(schema.shape), environment);
  const result = schema.safeParse(given.values);
  const lines = [
    ...Object.entries(RENAMED_SETTINGS).flatMap(([before, now]) =>
      environment[before] && now in schema.shape
        ? [`${before} was renamed: set ${now} instead (${documentedAt(now)})`]
        : [],
    ),
    ...given.faults.values(),
    ...(result.success ? [] : wrongSettings(schema, given, result.error)),
    ...contradictions(schema, given),
  ];
  if (result.success && lines.length === 0) return result.data;
  throw new SettingsError(`Invalid settings:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

function wrongSettings(schema: z.ZodObject, given: GivenSettings, error: z.ZodError): string[] {
  const docs = describeSettings(schema);
  const issues = new Map(error.issues.map((issue) => [String(issue.path[0]), issue]));
  return [...issues]
    .filter(([name]) => !given.faults.has(name))
    .map(([name, issue]) => {
      const { allowed, secret } = docs.get(name) ?? {};
      const reason: unknown = issue.code === 'custom' ? issue.params?.['reason'] : undefined;
      const shown = shownValue(name, given, secret ?? false);
      const which = typeof reason === 'string' ? `, which ${reason}` : '';
      return `${name} must be ${allowed}, got ${shown}${which} (${documentedAt(name)})`;
    });
}

function shownValue(name: string, { values, fromFiles }: GivenSettings, isSecret: boolean): string {
  if (fromFiles.has(name)) return `the content of the file of ${fileVariable(name)}`;
  // An address may contain a password although the setting's usual values don't.
  return isSecret || values[name]?.includes('@') ? 'a value that may be secret' : JSON.stringify(values[name]);
}

/** Parses an integer within bounds from text. */
export function wholeNumber(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum)
    .meta({ allowed: `an integer from ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}` });
}

/** Accepts an http or https address. */
export function httpAddress() {
  return z.url({ protocol: /^https?$/ }).meta({ allowed: 'an http:// or https:// address' });
}

/** Where clients reach the query API, for services that name its address to them. */
export const queryApiPublicUrl = z
  .url({ protocol: /^https?$/ })
  .optional()
  .meta({
    description:
      "Where clients reach the query API. The producer redirects requests for an order there; unset: 404. The console's page links to its Swagger UI, on `localhost` at the page's host; unset: at `QUERY_API_URL`.",
    allowed: 'an address such as https://orders.example.com',
    perProcess: true,
  });

/** The settings of every HTTP service. `PORT` 0 chooses a free port. */
export function httpSettings(defaultPort: number) {
  return {
    LISTEN_HOST: z.string().default('127.0.0.1').meta({
      description: 'Address to listen on; any other than loopback needs `AUTH_ISSUER`.',
      allowed: 'a host name or IP address',
    }),
    PORT: wholeNumber(0, 65_535).default(defaultPort).meta({
      description: 'Port to listen on; 0 chooses a free one.',
      perProcess: true,
    }),
    ADMIN_PORT: wholeNumber(0, 65_535).optional().meta({
      description:
        'Port of `/health` and `/metrics`, which are then served there only; 0 chooses a free one. Unset: on `PORT`.',
      perProcess: true,
    }),
    TRUST_PROXY: listOfNames()
      .refine((proxies) => proxies.every((proxy) => isAddressOrSubnet(proxy)))
      .meta({
        description:
          'Proxies whose `X-Forwarded-For` is the client of a request, for limits per caller. Unset: none; never name addresses of clients.',
        allowed: 'IP addresses and subnets such as 10.0.0.0/8, separated by commas',
      }),
    ALLOWED_HOSTS: listOfNames().meta({
      description: 'More accepted host names without an issuer; loopback names are always accepted.',
      allowed: 'host names, separated by commas',
    }),
    CORS_ORIGINS: listOfNames().meta({
      description: 'Origins whose pages may call the services from a browser.',
      allowed: 'origins such as https://example.com, separated by commas',
    }),
    RATE_LIMIT_PER_MINUTE: wholeNumber(0, 1_000_000_000)
      .default(120_000)
      .meta({ description: 'Requests of one client per minute; 0: no limit.' }),
    REQUEST_TIMEOUT_SECONDS: wholeNumber(1, 3_600)
      .default(timeLimit(30))
      .meta({ description: 'Time for the headers of a request, and for a whole JSON body. A later one is a 408.' }),
    UPLOAD_MIN_BYTES_PER_SECOND: wholeNumber(1, 1_000_000_000).default(1_000).meta({
      description:
        'Slowest rate of an upload, in each period of `REQUEST_TIMEOUT_SECONDS`; its whole duration is not limited.',
    }),
    DRAIN_GRACE_SECONDS: wholeNumber(0, 300).default(2).meta({
      description:
        'Time between a stop signal, when readiness fails, and the closing of the listener: more than a balancer takes to notice. `npm start`: 0.',
    }),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .meta({ description: 'Level of the structured logs (`npm start`: in `.data/logs/`).' }),
  };
}

/** The parsed `httpSettings`. */
export interface HttpSettings {
  readonly LISTEN_HOST: string;
  readonly PORT: number;
  /** Port of health and metrics; `undefined`: as the other routes. */
  readonly ADMIN_PORT?: number | undefined;
  /** Addresses and subnets of proxies whose `X-Forwarded-For` counts. */
  readonly TRUST_PROXY: readonly string[];
  /** Host names that are accepted in addition to those of loopback. */
  readonly ALLOWED_HOSTS: readonly string[];
  /** Origins whose pages may call the service from a browser. */
  readonly CORS_ORIGINS: readonly string[];
  /** Maximum requests per minute and client; 0 means no limit. */
  readonly RATE_LIMIT_PER_MINUTE: number;
  /** Time for the headers of a request, and for a whole JSON body, in seconds. */
  readonly REQUEST_TIMEOUT_SECONDS: number;
  /** The slowest rate of other bodies. */
  readonly UPLOAD_MIN_BYTES_PER_SECOND: number;
  /** Time between the failing readiness and the closing of the listener, in seconds. */
  readonly DRAIN_GRACE_SECONDS: number;
}

/** Returns whether a text is an IP address, or a subnet with the length of its prefix in bits. */
function isAddressOrSubnet(text: string): boolean {
  const [address = '', bits = '0', ...more] = text.split('/');
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
}

/** A comma-separated list of names, empty by default. */
function listOfNames() {
  return z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .refine((list) => list.every((name) => /^[\w.:/[\]-]+$/.test(name)));
}

export const mongoSettings = {
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/.+/)
    .superRefine((uri, context) => {
      const reason = authorityFault(uri);
      if (reason !== undefined) context.addIssue({ code: 'custom', params: { reason } });
    })
    .default('mongodb://127.0.0.1:27017/orders')
    .meta({
      description: 'Your own MongoDB replica set instead of the embedded one, with the database in the path.',
      allowed: 'an address that begins with mongodb:// or mongodb+srv://',
      secret: true,
    }),
};

/** The driver reads the file of the authorities with its first connection, and its error names no setting. */
function authorityFault(uri: string): string | undefined {
  const path = new URLSearchParams(uri.split('?')[1]).get('tlsCAFile');
  const fault = path === null ? undefined : certificateFault(path);
  return fault && `names a tlsCAFile that ${fault}`;
}
