import { join } from 'node:path';

/** The addresses of the servers and apps, once they are ready. */
export interface StackAddresses {
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
