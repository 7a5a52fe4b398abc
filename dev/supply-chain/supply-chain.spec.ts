import { describe, expect, it } from '@jest/globals';
import { AllowedAdvisoriesSchema, judgeAudit } from './audit-judgement.js';
import { imageReferences, withDigests } from './image-digests.js';
import { productionBill } from './production-bill.js';

const TODAY = '2026-11-28';
const ID = 'GHSA-aaaa-bbbb-cccc';
const ENTRY = { advisory: ID, reason: 'only the build calls it, with our own input', expires: TODAY };
const REPORT = JSON.stringify({
  auditReportVersion: 2,
  vulnerabilities: {
    deep: { via: [{ url: `https://github.com/advisories/${ID}`, title: 'Reads too far', severity: 'high' }] },
    above: { via: ['deep'] },
  },
});
const NONE = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} });
const REGISTRY_ERROR = JSON.stringify({ message: '405 Method Not Allowed', error: { summary: '' } });

describe('an audit of the packages', () => {
  it.each([
    ['without advisories', NONE, [], { result: 'passed', lines: [] }],
    [
      'with an advisory',
      REPORT,
      [],
      {
        result: 'failed',
        lines: [`${ID}: high, Reads too far (deep): update the package, or allow it with a reason`],
      },
    ],
    ['with an allowed advisory up to its last day', REPORT, [ENTRY], { result: 'passed' }],
    [
      'with an entry that has expired',
      REPORT,
      [{ ...ENTRY, expires: '2026-11-27' }],
      {
        result: 'failed',
        lines: [`${ID}: its entry expired on 2026-11-27: update the package, or decide again`],
      },
    ],
    ['with an entry that nothing needs', NONE, [{ ...ENTRY, expires: '2027-01-01' }], { result: 'failed' }],
    ['with an error of the registry', REGISTRY_ERROR, [], { result: 'not-checked' }],
    ['without JSON', 'npm error network', [], { result: 'not-checked' }],
    ['without output', '', [], { result: 'not-checked' }],
  ])('%s', (_, output, allowed, judgement) => {
    expect(judgeAudit(output, allowed, TODAY)).toMatchObject(judgement);
  });

  it.each([
    ['no expiry', { expires: undefined }],
    ['no day', { expires: 'never' }],
    ['no reason', { reason: '' }],
  ])('rejects an entry with %s', (_, change) => {
    expect(AllowedAdvisoriesSchema.safeParse([ENTRY]).success).toBe(true);
    expect(AllowedAdvisoriesSchema.safeParse([{ ...ENTRY, ...change }]).success).toBe(false);
  });
});

describe('image references', () => {
  const digest = `sha256:${'a'.repeat(64)}`;

  it.each([
    ['    image: mongo:8', 'registry-1.docker.io', 'library/mongo', '8'],
    ["    image: 'apache/kafka:4.4.0'", 'registry-1.docker.io', 'apache/kafka', '4.4.0'],
    ['image: quay.io/prometheus/node-exporter:v1.9.1', 'quay.io', 'prometheus/node-exporter', 'v1.9.1'],
    ['image: localhost:5000/db:1', 'localhost:5000', 'db', '1'],
    ['ARG NODE_IMAGE=node:24-slim', 'registry-1.docker.io', 'library/node', '24-slim'],
  ])('are found in %s', (line, registry, repository, tag) => {
    expect(imageReferences(`x:\n${line}\n`)).toMatchObject([{ registry, repository, tag, digest: undefined }]);
    expect(imageReferences(withDigests(line, () => digest))).toMatchObject([{ repository, tag, digest }]);
  });

  it('are none where an image is built here', () => {
    expect(imageReferences('  image: orders-pipeline\nFROM ${NODE_IMAGE}\n# image: mongo:8\n')).toEqual([]);
  });
});

describe('the bill of materials', () => {
  const DEVELOPMENT = [{ name: 'cdx:npm:package:development', value: 'true' }];
  const LOCK = JSON.stringify({
    packages: {
      '': { name: 'orders', version: '1.0.0' },
      'libs/clock': { name: '@orders/clock', version: '1.0.0' },
      'node_modules/@orders/clock': { resolved: 'libs/clock', link: true },
      'node_modules/kafka': { version: '2.0.0' },
      'node_modules/jest': { version: '30.0.0', dev: true },
      'node_modules/jest/node_modules/cache': { version: '11.0.0', dev: true },
      'node_modules/kafka/node_modules/cache': { version: '11.0.0' },
    },
  });
  const CLOCK = { 'bom-ref': '@orders/clock@1.0.0', properties: [] };
  const KAFKA = { 'bom-ref': 'kafka@2.0.0', properties: [] };
  const JEST = { 'bom-ref': 'jest@30.0.0', properties: DEVELOPMENT };
  const CACHE = { 'bom-ref': 'cache@11.0.0', properties: DEVELOPMENT };

  it('has what production needs, also if development needs the same, and nothing else', () => {
    const all = {
      bomFormat: 'CycloneDX',
      components: [CLOCK, KAFKA, JEST, CACHE],
      dependencies: [
        { ref: 'orders@1.0.0', dependsOn: ['kafka@2.0.0', 'jest@30.0.0'] },
        { ref: 'jest@30.0.0', dependsOn: ['cache@11.0.0'] },
        { ref: 'kafka@2.0.0', dependsOn: ['cache@11.0.0'] },
      ],
    };
    expect(productionBill(JSON.stringify(all), LOCK)).toEqual({
      bomFormat: 'CycloneDX',
      components: [CLOCK, KAFKA, { ...CACHE, properties: [] }],
      dependencies: [
        { ref: 'orders@1.0.0', dependsOn: ['kafka@2.0.0'] },
        { ref: 'kafka@2.0.0', dependsOn: ['cache@11.0.0'] },
      ],
    });
  });
});
