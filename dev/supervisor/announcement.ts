import { join } from 'node:path';

/** Where everything is, once it is ready. */
export interface StackAddresses {
  readonly producers: readonly (string | undefined)[];
  readonly queryApis: readonly (string | undefined)[];
  readonly console: string | undefined;
  /** `undefined`: no tokens are asked for. */
  readonly issuer: string | undefined;
  readonly consumers: number;
  readonly brokers: string;
  readonly registryUrl: string;
  readonly mongodbUri: string;
  readonly dataDirectory: string;
}

/** The lines before `ready`. A password in a given MONGODB_URI isn't shown. */
export function announcement(where: StackAddresses): string[] {
  const { producers, queryApis, issuer } = where;
  return [
    '',
    ...producers.map((url) => `  Producer         ${url}/docs`),
    ...queryApis.map((url) => `  Query API        ${url}/docs`),
    `  Console          ${where.console}/docs`,
    ...(issuer === undefined ? [] : [`  Tokens           ${issuer}, client orders-demo, secret orders-demo-secret`]),
    `  Consumers        ${where.consumers}`,
    `  Kafka            ${where.brokers}`,
    `  Schema registry  ${withoutPassword(where.registryUrl)}`,
    `  MongoDB          ${withoutPassword(where.mongodbUri)}`,
    `  Data and logs    ${where.dataDirectory}, ${join(where.dataDirectory, 'logs')}`,
    '',
    '  Ctrl-C drains and stops everything; the data stay.',
    '',
  ];
}

function withoutPassword(uri: string): string {
  return uri.replace(/\/\/([^:@/]+):[^@/]*@/, '//$1:***@');
}
