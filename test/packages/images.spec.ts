import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findUnpinned, pinImages, registryDigest } from '../../dev/supply-chain/image-digests.js';

const TOKEN = 'anonymous';

/** A registry of manifests on loopback (OCI distribution API). Like Docker Hub it wants an anonymous token. */
class OciRegistry {
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

const INDEX = 'application/vnd.oci.image.index.v1+json';
/** Also runs against a real registry (distribution) without login, if there is one. */
const REAL = process.env['IMAGE_REGISTRY'];

describe.each(['of the test', ...(REAL === undefined ? [] : ['real'])])('images in a registry, %s', (kind) => {
  let registry: OciRegistry | undefined;
  let host: string;
  let directory: string;
  let compose: string;
  let dockerfile: string;

  beforeAll(async () => {
    registry = kind === 'real' ? undefined : await OciRegistry.start();
    host = registry?.host ?? REAL ?? '';
    directory = await mkdtemp(join(tmpdir(), 'orders-images-'));
    [compose, dockerfile] = [join(directory, 'docker-compose.yml'), join(directory, 'Dockerfile')];
  });

  afterAll(async () => {
    await registry?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Puts an image under a tag. @returns its digest */
  async function push(repository: string, tag: string, version: number): Promise<string> {
    const annotations = { version: String(version) };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], annotations });
    const headers = { 'content-type': INDEX, authorization: 'Bearer anonymous' };
    const { status } = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
      method: 'PUT',
      headers,
      body,
    });
    expect(status).toBe(201);
    return `sha256:${createHash('sha256').update(body).digest('hex')}`;
  }

  beforeEach(async () => {
    await writeFile(compose, `services:\n  db:\n    image: ${host}/db/mongo:8\n  app:\n    image: orders-pipeline\n`);
    await writeFile(dockerfile, `ARG NODE_IMAGE=${host}/node:24-slim\nFROM \${NODE_IMAGE}\n`);
  });

  it('are pinned to what their tags name, and again when a tag moves', async () => {
    const [db, node] = [await push('db/mongo', '8', 1), await push('node', '24-slim', 1)];
    expect(await findUnpinned([compose, dockerfile], registryDigest)).toEqual([
      `${host}/db/mongo:8 is not pinned`,
      `${host}/node:24-slim is not pinned`,
    ]);
    expect(await pinImages([compose, dockerfile], registryDigest)).toHaveLength(2);
    expect(await readFile(compose, 'utf8')).toBe(
      `services:\n  db:\n    image: ${host}/db/mongo:8@${db}\n  app:\n    image: orders-pipeline\n`,
    );
    expect(await readFile(dockerfile, 'utf8')).toBe(
      `ARG NODE_IMAGE=${host}/node:24-slim@${node}\nFROM \${NODE_IMAGE}\n`,
    );
    expect(await findUnpinned([compose, dockerfile], registryDigest)).toEqual([]);
    const moved = await push('db/mongo', '8', 2);
    expect(await findUnpinned([compose, dockerfile], registryDigest)).toEqual([`${host}/db/mongo:8 has a newer image`]);
    expect(await pinImages([compose, dockerfile], registryDigest)).toEqual([`${host}/db/mongo:8: ${db} -> ${moved}`]);
  });

  it('stay as they are, all of them, when the registry lacks one', async () => {
    await push('db/mongo', '8', 1);
    await writeFile(dockerfile, `ARG NODE_IMAGE=${host}/node:absent\n`);
    await expect(pinImages([compose, dockerfile], registryDigest)).rejects.toThrow(
      `${host}/node:absent: the registry ${host} answers 404`,
    );
    expect(await readFile(compose, 'utf8')).not.toContain('@sha256');
  });

  it('name the registry that does not answer', async () => {
    await writeFile(compose, 'services:\n  db:\n    image: 127.0.0.1:1/db/mongo:8\n');
    await expect(pinImages([compose], registryDigest)).rejects.toThrow(
      '127.0.0.1:1/db/mongo:8: 127.0.0.1:1 does not answer',
    );
  });
});
