import { isIP } from 'node:net';
import { z } from 'zod';
import { timeLimit } from '#orders/time-limit.js';
import { certificateFault, wholeNumber } from './settings.js';

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
export type HttpSettings = Omit<z.infer<z.ZodObject<ReturnType<typeof httpSettings>>>, 'LOG_LEVEL'>;

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

/** The settings of every service whose requests are audited. */
export const auditSettings = {
  AUDIT_RETENTION_DAYS: wholeNumber(1, 36_500)
    .default(400)
    .meta({ description: 'Days until MongoDB removes an audit event; a change holds for new events.' }),
};

/** The parsed `auditSettings`. */
export type AuditSettings = z.infer<z.ZodObject<typeof auditSettings>>;

type Setting = ReturnType<typeof concurrencySetting>;

/**
 * The settings of `ConcurrencyLimit`: the most requests of a kind that may be in progress at once.
 * @param name the begin of both names, such as `EXPORTS` for `EXPORTS_PER_CALLER` and `EXPORTS_IN_TOTAL`
 * @param what the requests, in the plural
 */
export function concurrencySettings<Name extends string>(
  name: Name,
  what: string,
  defaults: { readonly perCaller: number; readonly inTotal: number },
): Record<`${Name}_PER_CALLER` | `${Name}_IN_TOTAL`, Setting> {
  return {
    [`${name}_PER_CALLER`]: concurrencySetting(
      defaults.perCaller,
      `${what} of one caller at once, at each process; 0: no limit.`,
    ),
    [`${name}_IN_TOTAL`]: concurrencySetting(
      defaults.inTotal,
      `${what} of all callers at once, at each process; 0: no limit.`,
    ),
  } as Record<`${Name}_PER_CALLER` | `${Name}_IN_TOTAL`, Setting>;
}

function concurrencySetting(byDefault: number, description: string) {
  return wholeNumber(0, 1_000_000).default(byDefault).meta({ description });
}

/** The settings of every service with event streams. */
export const eventStreamSettings = concurrencySettings('EVENT_STREAMS', 'Event streams', {
  perCaller: 32,
  inTotal: 1_000,
});

/** Whether clients may ask for faulty records: for test data only, since they cost the consumers time and become dead letters. */
export const faultSettings = {
  ALLOW_FAULT_INJECTION: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({
      description:
        '`true`: `faults` of `POST /v1/populate` are allowed, with tokens to callers with the scope `faults:inject`. `npm start` sets it; not for production.',
      shownDefault: 'false; true with `npm start`',
    }),
};

/** The settings of all processes that write or read the legacy system's orders. */
export const legacySettings = {
  LEGACY_TIME_ZONE: z
    .string()
    .regex(/^[A-Z][A-Za-z0-9_+/-]*$/)
    .refine(isTimeZone)
    .default('UTC')
    .meta({
      description: "Time zone of the legacy system's timestamps, which have none.",
      allowed: 'an IANA time zone such as Europe/Berlin',
    }),
};

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The ports of `npm start` and of Docker Compose. Commands find the servers and services of `npm start` by them. */
export const portSettings = {
  KAFKA_PORT: port(9092, 'Port of Kafka; with `--replicated`, the other nodes use the next two.'),
  REGISTRY_PORT: port(8081, 'Port of the schema registry.'),
  MONGODB_PORT: port(27_017, 'Port of MongoDB; with `--replicated`, the other members use the next two.'),
  PRODUCER_PORT: port(3001, 'Port of the producer.'),
  QUERY_API_PORT: port(3000, 'Port of the query API.'),
  CONSOLE_PORT: port(3002, 'Port of the console.'),
  ISSUER_PORT: port(3003, 'Port of the development issuer: with `npm start -- --auth`, and in Docker Compose.'),
  FACADE_PORT: port(
    3005,
    'Port of the facade: with `npm start -- --legacy`, and with the profile `legacy` in Docker Compose.',
  ),
  LEGACY_PORT: port(3010, 'Port of the legacy system, with `npm start -- --legacy`.'),
};

function port(byDefault: number, description: string) {
  return wholeNumber(1, 65_535).default(byDefault).meta({ description });
}
