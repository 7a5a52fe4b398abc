import { describe, expect, it } from '@jest/globals';
import { imageReferences, withDigests } from './image-references.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('image references', () => {
  it.each([
    ['    image: mongo:8', 'registry-1.docker.io', 'library/mongo', '8'],
    ["    image: 'apache/kafka:4.4.0'", 'registry-1.docker.io', 'apache/kafka', '4.4.0'],
    ['image: quay.io/prometheus/node-exporter:v1.9.1', 'quay.io', 'prometheus/node-exporter', 'v1.9.1'],
    ['image: localhost:5000/db:1', 'localhost:5000', 'db', '1'],
    ['ARG NODE_IMAGE=node:24-slim', 'registry-1.docker.io', 'library/node', '24-slim'],
  ])('are found in %s', (line, registry, repository, tag) => {
    expect(imageReferences(`x:\n${line}\n`)).toMatchObject([{ registry, repository, tag, digest: undefined }]);
    expect(imageReferences(withDigests(line, () => DIGEST))).toMatchObject([{ repository, tag, digest: DIGEST }]);
  });

  it('are none where an image is built here', () => {
    expect(imageReferences('  image: orders-pipeline\nFROM ${NODE_IMAGE}\n# image: mongo:8\n')).toEqual([]);
  });
});
