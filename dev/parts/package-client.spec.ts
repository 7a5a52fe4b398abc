import { describe, expect, it } from '@jest/globals';
import { fetchFailure } from './package-client.js';

const run = { command: 'mvn', fetching: 'Kafka 4.4.0' };

describe('the message about a fetch that failed', () => {
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
