import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Outages } from '../availability/outages.js';
import { problemType } from '../http/problem.js';

const RETRY_AFTER_SECONDS = '5';

/**
 * Answers at the address of a service that still waits for its servers: it lives, and is not ready because of its outages. All other
 * requests get a 503. Each response ends its connection, so that the service itself can take the port over.
 */
export class StartingServer {
  private constructor(private readonly server: Server) {}

  /** Resolves when it listens. @param port 0: the address is not known yet, so it does not listen at all */
  static async listen(outages: Outages, host: string, port: number): Promise<StartingServer | undefined> {
    if (port === 0) return undefined;
    const server = createServer((request, response) => {
      request.resume();
      answer(request.url ?? '', response, outages);
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new StartingServer(server);
  }

  /** Resolves when the port is free. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

function answer(url: string, response: ServerResponse, outages: Outages): void {
  response.setHeader('connection', 'close');
  const path = url.split('?')[0];
  if (path === '/health/live') {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"status":"ok"}');
    return;
  }
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': RETRY_AFTER_SECONDS });
  response.end(JSON.stringify({ ...(path === '/health/ready' ? notReady(outages) : STARTING), instance: path }));
}

const UNAVAILABLE = { title: 'Service Unavailable', status: 503 };
const STARTING = {
  ...UNAVAILABLE,
  type: problemType('starting'),
  code: 'starting',
  detail: 'The service is starting and waits for its servers: see /health/ready. Retry in a few seconds.',
};

/** The form of a started service's answer. */
function notReady(outages: Outages): object {
  const checks = Object.fromEntries([...outages.all].map(([name, outage]) => [name, { status: 'down', ...outage }]));
  return {
    ...UNAVAILABLE,
    type: problemType('service-unavailable'),
    code: 'service-unavailable',
    detail: 'The service is starting.',
    checks,
  };
}
