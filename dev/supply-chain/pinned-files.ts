import { readFile, writeFile } from 'node:fs/promises';
import { imageReferences, withDigests, type ImageReference } from './image-references.js';

export type DigestOf = (reference: ImageReference) => Promise<string>;

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
