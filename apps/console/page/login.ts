// Loaded only when a login is needed. Uses oauth4webapi, a certified OAuth client without dependencies.
import * as oauth from 'oauth4webapi';
import type { Session } from './client.js';

interface Provider {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly scopes: readonly string[];
  readonly options: { readonly [oauth.allowInsecureRequests]: boolean };
}

/** Redirects to the provider, which redirects back with a code (OAuth 2.0 authorization code grant with PKCE, RFC 7636). */
export async function beginLogin(session: Session): Promise<void> {
  const { server, client, scopes } = await provider();
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  session.remember('verifier', verifier);
  session.remember('state', state);
  session.remember('hash', location.hash);
  const url = new URL(server.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: session.redirectUri,
    response_type: 'code',
    scope: ['openid', ...scopes].join(' '),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  }).toString();
  location.assign(url);
}

/** Exchanges the code in the URL for a token. @throws the error of the provider */
export async function endLogin(session: Session): Promise<void> {
  const url = session.takeReturnUrl();
  const [verifier, state] = [session.recall('verifier'), session.recall('state')];
  // The provider returns to the page without the view that was shown.
  location.hash = session.recall('hash') ?? '';
  if (verifier === null || state === null) throw new Error('This login was not started in this tab. Sign in again.');
  const { server, client, options } = await provider();
  const parameters = oauth.validateAuthResponse(server, client, url, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    parameters,
    session.redirectUri,
    verifier,
    options,
  );
  const { access_token: token } = await oauth.processAuthorizationCodeResponse(server, client, answer);
  session.take(token);
}

async function provider(): Promise<Provider> {
  const [resource, settings] = await Promise.all([
    json<{ authorization_servers: string[]; scopes_supported: string[] }>('/.well-known/oauth-protected-resource'),
    json<{ clientId: string }>('/page-settings.json'),
  ]);
  const issuer = new URL(resource.authorization_servers[0] ?? '');
  // A provider on this machine has no TLS certificate.
  const options = { [oauth.allowInsecureRequests]: ['localhost', '127.0.0.1'].includes(issuer.hostname) };
  const answer = await oauth.discoveryRequest(issuer, options);
  const server = await oauth.processDiscoveryResponse(issuer, answer);
  return { server, client: { client_id: settings.clientId }, scopes: resource.scopes_supported, options };
}

async function json<T>(path: string): Promise<T> {
  return (await (await fetch(path)).json()) as T;
}
