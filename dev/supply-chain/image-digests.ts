import { readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** An image by name and tag, and the digest that it is pinned to. */
interface ImageReference {
  /** Host of the registry, with port. */
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  /** `sha256:…`; `undefined` if it is not pinned. */
  readonly digest: string | undefined;
  /** As it is written, without digest. */
  readonly name: string;
}

const DOCKER_HUB = 'registry-1.docker.io';
/** `image:` of a Compose file, and `ARG NODE_IMAGE=` of a Dockerfile. An image without tag is built here. */
const LINES = /^( *image: *|ARG NODE_IMAGE=)(['"]?)([^\s'"@]+:[\w.-]+)(@sha256:[\da-f]{64})?\2$/gm;

/** Returns the images that a Compose file or a Dockerfile takes from registries. */
export function imageReferences(text: string): ImageReference[] {
  return [...text.matchAll(LINES)].map(([, , , name = '', digest]) => toReference(name, digest?.slice(1)));
}

/** Returns the text with each image pinned. @param digestOf returns `undefined` for one that stays as it is */
export function withDigests(text: string, digestOf: (name: string) => string | undefined): string {
  return text.replaceAll(LINES, (line: string, start: string, quote: string, name: string) => {
    const digest = digestOf(name);
    return digest === undefined ? line : `${start}${quote}${name}@${digest}${quote}`;
  });
}

function toReference(name: string, digest: string | undefined): ImageReference {
  const colon = name.lastIndexOf(':');
  const [path, tag] = [name.slice(0, colon), name.slice(colon + 1)];
  const [first = '', ...others] = path.split('/');
  const hasHost = others.length > 0 && /[.:]|^localhost$/.test(first);
  if (hasHost) return { registry: first, repository: others.join('/'), tag, digest, name };
  return { registry: DOCKER_HUB, repository: others.length === 0 ? `library/${path}` : path, tag, digest, name };
}

type DigestOf = (reference: ImageReference) => Promise<string>;

/** Pins each image of the files to the digest that its tag has now. @returns a line for each image that changed */
export async function pinImages(paths: readonly string[], digestOf: DigestOf): Promise<string[]> {
  const changes: string[] = [];
  // Resolve all before the first write: a registry that fails leaves every file as it was.
  const texts = await Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })));
  const digests = await resolveAll(
    texts.flatMap(({ text }) => imageReferences(text)),
    digestOf,
  );
  for (const { path, text } of texts) {
    const pinned = withDigests(text, (name) => digests.get(name));
    if (pinned === text) continue;
    await writeFile(path, pinned);
    for (const { name, digest } of imageReferences(text))
      if (digest !== digests.get(name)) changes.push(`${name}: ${digest ?? 'not pinned'} -> ${digests.get(name)}`);
  }
  return changes;
}

/** Returns a line for each image that is not pinned, or whose tag has another digest by now. */
export async function findUnpinned(paths: readonly string[], digestOf: DigestOf): Promise<string[]> {
  const texts = await Promise.all(paths.map(async (path) => readFile(path, 'utf8')));
  const references = texts.flatMap((text) => imageReferences(text));
  const unpinned = references.filter(({ digest }) => digest === undefined);
  const pinned = references.filter(({ digest }) => digest !== undefined);
  const digests = await resolveAll(pinned, digestOf);
  return [
    ...unpinned.map(({ name }) => `${name} is not pinned`),
    ...pinned.filter(({ name, digest }) => digests.get(name) !== digest).map(({ name }) => `${name} has a newer image`),
  ];
}

async function resolveAll(references: readonly ImageReference[], digestOf: DigestOf): Promise<Map<string, string>> {
  const byName = new Map(references.map((reference) => [reference.name, reference]));
  return new Map(
    await Promise.all([...byName].map(async ([name, reference]) => [name, await digestOf(reference)] as const)),
  );
}

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
