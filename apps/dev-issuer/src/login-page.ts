import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';

export const LOGIN_PATH = '/login/';
const MAX_NAME = 64;

/**
 * Serves the login page. The user logs in with any name, without a password, and grants the requested scopes in the same step.
 * The provider's own development page needs two steps and loads a font from the internet, which must not be required here.
 */
export async function answerLogin(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params } = await provider.interactionDetails(request, response);
  const scope = typeof params['scope'] === 'string' ? params['scope'] : '';
  if (request.method !== 'POST') return showForm(response, scope);
  const accountId = new URLSearchParams(await text(request)).get('name')?.trim().slice(0, MAX_NAME) || 'somebody';
  const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
  grant.addOIDCScope(scope);
  for (const resource of [params['resource']].flat())
    if (typeof resource === 'string') grant.addResourceScope(resource, scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } });
}

function showForm(response: ServerResponse, scope: string): void {
  const scopes = scope
    .split(' ')
    .map((name) => `<li>${escaped(name)}</li>`)
    .join('');
  response.setHeader('content-type', 'text/html; charset=utf-8').end(`<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Log in: orders, for development</title>
    <style>
      body { font-family: system-ui, sans-serif; max-width: 22rem; margin: 3rem auto; color-scheme: light dark; }
      input, button { font: inherit; padding: 0.4rem; width: 100%; box-sizing: border-box; margin-top: 0.4rem; }
    </style>
  </head>
  <body>
    <h1>Log in</h1>
    <p>For development only: enter any name.</p>
    <form method="post">
      <label for="name">Your name</label>
      <input id="name" name="name" value="ada" maxlength="${MAX_NAME}" autofocus>
      <p>Requested scopes:</p>
      <ul>${scopes}</ul>
      <button type="submit">Log in and allow</button>
    </form>
  </body>
</html>
`);
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
