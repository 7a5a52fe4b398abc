import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { kafkaConnectionSettings } from '../settings/kafka-settings.js';
import { platformaticAccess } from './platformatic-access.js';

const Schema = z.object(kafkaConnectionSettings);
const accessWith = (env: Record<string, string>): ReturnType<typeof platformaticAccess> =>
  platformaticAccess(Schema.parse({ KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092', ...env }));

describe('the access to Kafka by @platformatic/kafka', () => {
  it('is plain unless the settings say otherwise', () => {
    expect(accessWith({})).toEqual({ brokers: ['kafka-1:9092', 'kafka-2:9092'] });
  });

  it('has TLS', () => {
    expect(accessWith({ KAFKA_SSL: 'true' })).toMatchObject({ tls: {} });
  });

  it.each([
    ['plain', 'PLAIN'],
    ['scram-sha-256', 'SCRAM-SHA-256'],
    ['scram-sha-512', 'SCRAM-SHA-512'],
  ])('signs in by %s', (mechanism, named) => {
    const user = { KAFKA_SASL_USERNAME: 'saver', KAFKA_SASL_PASSWORD: 'secret' };
    expect(accessWith({ KAFKA_SASL_MECHANISM: mechanism, ...user })).toMatchObject({
      sasl: { mechanism: named, username: 'saver', password: 'secret' },
    });
  });

  it('signs in by tokens of an issuer', () => {
    const user = { KAFKA_SASL_USERNAME: 'saver', KAFKA_SASL_PASSWORD: 'secret' };
    const token = { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_SASL_TOKEN_URL: 'https://issuer.example/token' };
    expect(accessWith({ ...user, ...token })).toMatchObject({
      sasl: { mechanism: 'OAUTHBEARER', token: expect.any(Function) },
    });
  });
});
