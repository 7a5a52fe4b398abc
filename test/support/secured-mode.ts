import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO_CLIENT } from '../../apps/dev-issuer/src/settings.js';

/** Whether the stacks of this Jest project are secured, each with servers of its own: `secured-mode.mjs` sets it. */
export const IS_SECURED = process.env['TEST_SECURED_STACK'] === 'true';

const SCOPES = 'orders:read orders:write dead-letters:redrive ops:scale ops:migrate faults:inject audit:read';
const open = globalThis.fetch;
const granted: string[] = [];

/** Requests a token with all scopes from the issuer of a stack. */
export async function requestToken(issuerUrl: string, scope = SCOPES): Promise<string> {
  const credentials = Buffer.from(`${DEMO_CLIENT.id}:${DEMO_CLIENT.secret}`).toString('base64');
  const response = await open(`${issuerUrl}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  });
  const body = (await response.json()) as { access_token?: string };
  if (body.access_token === undefined) throw new Error(`The issuer granted no token: ${JSON.stringify(body)}`);
  granted.push(body.access_token);
  return body.access_token;
}

/** Returns the claims and signatures of all tokens that this spec file has requested. The header of a token is no secret. */
export function secretsOfTokens(): string[] {
  return granted.flatMap((token) => token.split('.').slice(1));
}

/** Lets each `fetch` of a spec send the token to the services of a stack, unless it has its own: specs for open stacks then run on a secured one. */
export function sendToken(token: string, origins: readonly string[]): void {
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (origins.includes(new URL(request.url).origin) && !request.headers.has('authorization'))
      request.headers.set('authorization', `Bearer ${token}`);
    return open(request);
  };
}

/** The credentials of a secured stack, in the folder that it prints. */
export class StackCredentials {
  constructor(readonly folder: string) {}

  /** Finds the folder in the output of a stack. @throws Error if it is not there */
  static in(output: string): StackCredentials {
    const folder = /^ {2}Credentials +(\S+),/m.exec(output)?.[1];
    if (folder === undefined) throw new Error(`The stack printed no folder of credentials:\n${output}`);
    return new StackCredentials(folder);
  }

  /** Returns a secret of a service, such as `mongodb-uri`. */
  secret(service: string, name: string): string {
    return readFileSync(join(this.folder, service, name), 'utf8');
  }

  /** Returns the passwords of all services. */
  passwords(): string[] {
    return this.files().map((file) => {
      const secret = readFileSync(file, 'utf8');
      // A URI has the password of its user.
      return /:([^:@]+)@/.exec(secret)?.[1] ?? secret;
    });
  }

  /** Returns the paths of all secrets: each service has a folder of them. */
  files(): string[] {
    const entries = readdirSync(this.folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.parentPath !== this.folder);
    return files.map(({ parentPath, name }) => join(parentPath, name));
  }

  /** Returns the settings of a command, such as `admin`. */
  settings(command: string): Record<string, string> {
    const lines = readFileSync(join(this.folder, `${command}.env`), 'utf8')
      .trim()
      .split('\n');
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
  }
}
