import { describe, expect, it } from '@jest/globals';
import { kafkaProperties, randomClusterId } from './kafka-server.js';

describe('the settings of the embedded Kafka', () => {
  const lines = kafkaProperties(9092, 40_001, '/data/kafka/records').split('\n');

  it('listen on loopback only', () => {
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:40001');
  });

  it('keep the offsets of an idle group longer than the 30 days that records are kept', () => {
    const minutes = lines.find((line) => line.startsWith('offsets.retention.minutes='))?.split('=')[1];
    expect(Number(minutes)).toBeGreaterThan(30 * 24 * 60);
  });

  it('make no topic that nobody asked for', () => {
    expect(lines).toContain('auto.create.topics.enable=false');
  });
});

describe('a cluster id', () => {
  it('is 16 bytes in base64url, as Kafka makes them', () => {
    expect(randomClusterId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  it('never looks like a flag', () => {
    const draws = [Buffer.alloc(16, 0xfb), Buffer.alloc(16, 1)];
    expect(draws[0]?.toString('base64url')).toMatch(/^-/);
    expect(randomClusterId(() => draws.shift() ?? Buffer.alloc(16))).toBe('AQEBAQEBAQEBAQEBAQEBAQ');
  });
});
