import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A schema registry that registers every schema and knows none of those that producers have registered at the right one. */
export class WrongRegistry {
  private constructor(
    private readonly server: Server,
    /** The setting SCHEMA_REGISTRY_URL. */
    readonly url: string,
  ) {}

  static async start(): Promise<WrongRegistry> {
    const server = createServer(({ method = '', url = '' }, response) => {
      const [status, body] = answer(method, url);
      response
        .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
        .end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new WrongRegistry(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/apis/ccompat/v7`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

function answer(method: string, url: string): [number, object] {
  if (url.includes('/config/')) return [200, { compatibilityLevel: 'BACKWARD' }];
  if (method === 'POST' && url.includes('/subjects/')) return [200, { id: 999_999 }];
  return [404, { error_code: 40_403, message: 'Schema not found' }];
}
