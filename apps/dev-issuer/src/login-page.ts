import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Provider } from 'oidc-provider';

export const LOGIN_PATH = '/login/';
const MAX_NAME = 64;

/**
 * Where a person says who he is: under any name, without a password, and what the client asks for is granted with it. The provider's own
 * page for development does the same in two steps, and asks for a font from elsewhere, where nothing here may need a network.
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
    <p>For development: any name will do.</p>
    <form method="post">
      <label for="name">Your name</label>
      <input id="name" name="name" value="ada" maxlength="${MAX_NAME}" autofocus>
      <p>What is asked for:</p>
      <ul>${scopes}</ul>
      <button type="submit">Log in and allow it</button>
    </form>
  </body>
</html>
`);
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
