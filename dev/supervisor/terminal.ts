import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { prettyFactory } from 'pino-pretty';

/** The addresses of the servers and apps, once they are ready. */
interface StackAddresses {
  readonly producers: readonly (string | undefined)[];
  readonly queryApis: readonly (string | undefined)[];
  /** `undefined`: it does not run. */
  readonly console: string | undefined;
  /** `undefined`: no tokens are required. */
  readonly issuer: string | undefined;
  /** `undefined`: it does not run. */
  readonly legacy: string | undefined;
  /** `undefined`: it does not run. */
  readonly facade: string | undefined;
  readonly consumers: number;
  readonly brokers: string;
  readonly registryUrl: string;
  readonly mongodbUri: string;
  readonly dataDirectory: string;
  /** The folder with the credentials of a secured stack; `undefined`: none are needed. */
  readonly credentials: string | undefined;
}

/** Returns the lines that are printed before `ready`. Hides credentials in addresses. */
export function announcement(where: StackAddresses): string[] {
  const { producers, queryApis, console, issuer, legacy, facade, credentials } = where;
  return [
    '',
    ...producers.map((url) => `  Producer         ${url}/docs`),
    ...queryApis.map((url) => `  Query API        ${url}/docs`),
    ...(console === undefined ? [] : [`  Console          ${console}`]),
    ...(issuer === undefined ? [] : [`  Tokens           ${issuer}, client orders-demo, secret orders-demo-secret`]),
    ...(legacy === undefined ? [] : [`  Legacy system    ${legacy}/orders/page/1`]),
    ...(facade === undefined ? [] : [`  Facade           ${facade}/orders/page/1, ${facade}/docs`]),
    `  Consumers        ${where.consumers}`,
    `  Kafka            ${where.brokers}`,
    `  Schema registry  ${withoutPassword(where.registryUrl)}`,
    `  MongoDB          ${withoutPassword(where.mongodbUri)}`,
    ...(credentials === undefined
      ? []
      : [`  Credentials      ${credentials}, for npm run admin: ${join(credentials, 'admin.env')}`]),
    `  Data and logs    ${where.dataDirectory}, ${join(where.dataDirectory, 'logs')}`,
    '',
    '  Ctrl-C drains and stops everything; the data stays.',
    '',
  ];
}

function withoutPassword(uri: string): string {
  // A password may contain an unescaped slash, and a name alone may be a token. Options after `?` may contain credentials too.
  return uri
    .replace(/\/\/([^:@/]+):.*@/, '//$1:***@')
    .replace(/\/\/[^:@/]+@/, '//***@')
    .replace(/\?.*/, '');
}

const WARN = 40;
const INFO = 30;

/** The contexts of Nest's messages about its own start: a page per app without useful information. The log file has them. */
const NEST_START = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);

/**
 * Returns whether a line of an app's log is for the terminal: warnings, errors and `info` messages, except those of Nest's own
 * start. Lines that aren't JSON, such as the stack trace of a crash, always are.
 */
export function isForTerminal(line: string): boolean {
  const entry = parseEntry(line);
  if (entry === undefined) return line.trim() !== '' && !isNestStart(line);
  const level = typeof entry['level'] === 'number' ? entry['level'] : INFO;
  if (level >= WARN) return true;
  return level >= INFO && !NEST_START.has(String(entry['context']));
}

/** Makes an app's log line readable and prefixes it with the app's name. */
export class AppLogView {
  private readonly pretty: (entry: object | string) => string | undefined;

  constructor(
    private readonly print: (line: string) => void,
    colorize: boolean,
  ) {
    this.pretty = prettyFactory({
      colorize,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'pid,hostname,service,context',
      singleLine: true,
    });
  }

  show(app: string, line: string): void {
    if (!isForTerminal(line)) return;
    const entry = parseEntry(line);
    const text = entry === undefined ? line : (this.pretty(entry) ?? line);
    this.print(`[${app}] ${text.trimEnd()}`);
  }
}

/** Matches Nest's own start in Nest's own format, which appears when an app fails before it has its logger. */
function isNestStart(line: string): boolean {
  return /^\[Nest\] .* LOG /.test(stripVTControlCharacters(line));
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
