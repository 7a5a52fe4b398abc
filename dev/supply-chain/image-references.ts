/** An image by name and tag, and the digest that it is pinned to. */
export interface ImageReference {
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
