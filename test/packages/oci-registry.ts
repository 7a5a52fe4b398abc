import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

const TOKEN = 'anonymous';

/** A registry of manifests on loopback (OCI distribution API). Like Docker Hub it wants an anonymous token. */
export class OciRegistry {
  private readonly manifests = new Map<string, Buffer>();

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(): Promise<OciRegistry> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return new OciRegistry(server);
  }

  /** Host and port, as in an image's name. */
  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => void this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', `http://${this.host}`);
    if (pathname === '/token') return void response.end(JSON.stringify({ token: TOKEN }));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      const challenge = `Bearer realm="http://${this.host}/token",service="test",scope="repository:any:pull"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    if (request.method === 'PUT') this.manifests.set(pathname, await buffer(request));
    const manifest = this.manifests.get(pathname);
    if (manifest === undefined) return void response.writeHead(404).end();
    const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
    response.writeHead(request.method === 'PUT' ? 201 : 200, { 'docker-content-digest': digest });
    response.end(request.method === 'PUT' ? undefined : manifest);
  }
}
