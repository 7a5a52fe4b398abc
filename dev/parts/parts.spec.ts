import { describe, expect, it } from '@jest/globals';
import { cacheDirectory } from './parts.js';
import { javaMajorVersion, mongodMajorVersion } from './embedded-parts.js';
import { fetchFailure } from './package-clients.js';

describe('the cache of fetched parts', () => {
  const home = '/home/ann/.cache/orders-pipeline';

  it.each([
    ['in the home folder by default', {}, home],
    ['in XDG_CACHE_HOME', { XDG_CACHE_HOME: '/var/cache/ann' }, '/var/cache/ann/orders-pipeline'],
    ['exactly ORDERS_CACHE_DIR if that is set', { ORDERS_CACHE_DIR: '/big/disk', XDG_CACHE_HOME: '/x' }, '/big/disk'],
    ['in the home folder for empty variables', { ORDERS_CACHE_DIR: '', XDG_CACHE_HOME: '' }, home],
  ])('is %s', (_, env, directory) => {
    expect(cacheDirectory(env, '/home/ann')).toBe(directory);
  });
});

describe('the version that a program prints', () => {
  it.each([
    [javaMajorVersion, 'openjdk version "21.0.4" 2024-07-16', 21],
    [javaMajorVersion, 'openjdk version "25" 2025-09-16', 25],
    [javaMajorVersion, 'java version "1.8.0_392"', 8],
    [javaMajorVersion, 'Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.15" 2025-04-15', 17],
    [javaMajorVersion, 'The operation couldn’t be completed. Unable to locate a Java Runtime.', undefined],
    [mongodMajorVersion, 'db version v6.0.5\nBuild Info: {\n    "version": "6.0.5",', 6],
    // mongod lacks a library.
    [mongodMajorVersion, '', undefined],
  ])('is read by %p from %j', (read, output, version) => {
    expect(read(output)).toBe(version);
  });
});

describe('the message about a fetch that failed', () => {
  const run = { command: 'mvn', fetching: 'Kafka 4.4.0' };

  it("shows the part, the client's last lines and the alternatives", () => {
    const error = fetchFailure(run, ['[ERROR] Unknown host mirror', '[ERROR] re-run with -e']);
    expect(error.code).toBe('fetch-failed');
    expect(error.message).toBe(
      'Kafka 4.4.0 could not be fetched: mvn failed. Its last lines:\n    [ERROR] Unknown host mirror\n    [ERROR] re-run with -e',
    );
    expect(error.remedy).toMatch(/network.*KAFKA_BROKERS.*SCHEMA_REGISTRY_URL.*MONGODB_URI.*docker compose up/);
  });

  it('reports a full disk as such', () => {
    const error = fetchFailure(run, ['[ERROR] /cache/a.jar: No space left on device']);
    expect(error.code).toBe('disk-full');
    expect(error.remedy).toContain('ORDERS_CACHE_DIR');
  });
});
