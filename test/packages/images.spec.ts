import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findUnpinned, pinImages } from '../../dev/supply-chain/pinned-files.js';
import { registryDigest } from '../../dev/supply-chain/registry-digest.js';
import { OciRegistry } from './oci-registry.js';

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
