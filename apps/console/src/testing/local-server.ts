import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from '@jest/globals';

/** An HTTP server on a free port of this machine. */
export interface LocalServer {
  readonly url: string;
  /** Set by a case that answers in another way than its suite. */
  respond: RequestListener;
}

/** Starts a server before each case of a suite, and closes it with its connections afterwards. */
export function localServer(respond: RequestListener): LocalServer {
  let server: Server;
  const local = {
    respond,
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
  beforeEach(async () => {
    local.respond = respond;
    server = createServer((request, response) => local.respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  return local;
}
