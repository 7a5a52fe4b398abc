import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ImageReference } from './image-references.js';

const WITHIN_MS = 30_000;
/** An index (several platforms) first: pinned to it, an image still runs on each of them. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const TokenSchema = z
  .object({ token: z.string(), access_token: z.string() })
  .partial()
  .transform((body) => body.token ?? body.access_token);

/**
 * Asks a registry (OCI distribution API) for the digest of an image's tag, with an anonymous token if the registry wants one. The digest is
 * computed from the manifest, so that it does not depend on a header.
 * @throws Error that names the image and the registry's answer
 */
export async function registryDigest({ registry, repository, tag, name }: ImageReference): Promise<string> {
  const isLocal = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(registry);
  const url = `${isLocal ? 'http' : 'https'}://${registry}/v2/${repository}/manifests/${tag}`;
  let response = await request(url, name);
  if (response.status === 401) {
    const token = await anonymousToken(response.headers.get('www-authenticate') ?? '', name);
    response = await request(url, name, { authorization: `Bearer ${token}` });
  }
  const manifest = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${name}: the registry ${registry} answers ${response.status}`);
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  const reported = response.headers.get('docker-content-digest') ?? digest;
  if (reported !== digest) throw new Error(`${name}: ${registry} reports ${reported}, but its manifest is ${digest}`);
  return digest;
}

async function request(url: string, name: string, headers: Record<string, string> = {}): Promise<Response> {
  try {
    return await fetch(url, { headers: { accept: MANIFESTS, ...headers }, signal: AbortSignal.timeout(WITHIN_MS) });
  } catch (cause) {
    throw new Error(`${name}: ${new URL(url).host} does not answer`, { cause });
  }
}

/** Requests a token by the challenge of the registry: `Bearer realm="…",service="…",scope="…"`. */
async function anonymousToken(challenge: string, name: string): Promise<string> {
  const fields = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
  const { realm, ...parameters } = fields;
  if (realm === undefined) throw new Error(`${name}: the registry wants a login that is not supported: ${challenge}`);
  const query = new URLSearchParams(parameters as Record<string, string>).toString();
  const response = await request(`${realm}?${query}`, name);
  const token = response.ok ? TokenSchema.parse(await response.json()) : undefined;
  if (token === undefined) throw new Error(`${name}: ${realm} grants no anonymous token (${response.status})`);
  return token;
}
