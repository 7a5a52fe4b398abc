// The development issuer: an OpenID provider for `npm start -- --auth` and Compose. Not for production.
import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { failToStart } from '#service/process/fail-to-start.js';
import { announceToParent, onParentExit } from '#service/process/parent-process.js';
import { answerLogin, LOGIN_PATH } from './login-page.js';
import { developmentProvider, signingKeys } from './provider.js';
import { readSettings } from './settings.js';

/** The pages need only their inline styles. */
const CONTENT_SECURITY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

async function run(): Promise<void> {
  const settings = readSettings(process.env);
  const issuer = settings.ISSUER_URL ?? `http://localhost:${settings.PORT}`;
  const provider = developmentProvider({
    issuer,
    audience: settings.AUTH_AUDIENCE,
    keys: await signingKeys(settings.ISSUER_KEYS_FILE),
    docsOrigins: settings.ISSUER_DOCS_ORIGINS,
    cookieSecret: randomBytes(32).toString('hex'),
  });
  const handle = provider.callback();
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', CONTENT_SECURITY);
    if (request.url?.startsWith('/health/')) sendHealthy(response);
    else if (request.url?.startsWith(LOGIN_PATH))
      answerLogin(provider, request, response).catch(() => rejectLogin(response));
    else void handle(request, response);
  });
  server.listen(settings.PORT, settings.LISTEN_HOST, () => {
    const { port } = server.address() as AddressInfo;
    announceToParent(`http://127.0.0.1:${port}`);
  });
  server.once('error', failToStart);
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
  onParentExit(() => process.exit(0));
}

/** Always reports healthy, since the issuer has no dependencies. */
function sendHealthy(response: ServerResponse): void {
  response.setHeader('content-type', 'application/json').end('{"status":"ok"}');
}

/** Rejects a login that has expired, or that was started in another browser. */
function rejectLogin(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
  response.end('This login has expired: log in again from the application.');
}

try {
  await run();
} catch (error) {
  failToStart(error);
}
