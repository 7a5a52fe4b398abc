import { describe, expect, it } from '@jest/globals';
import { Decimal128, Long, UUID } from 'mongodb';
import { asLegacyOrder } from './stored-orders.js';

describe('a document of the new side', () => {
  it('is written as the legacy system would, with the local time of its zone', () => {
    const document = {
      _id: new UUID('01935c9e-8a00-4000-8000-000000000007'),
      accountId: 'demo-01',
      side: 'buy',
      symbol: 'ACME',
      quantity: 3,
      price: Decimal128.fromString('187.3500'),
      amount: Decimal128.fromString('562.0500'),
      currency: 'EUR',
      createdAt: new Date('2026-01-31T23:00:00.250Z'),
      legacy: { number: Long.fromNumber(7) },
    };
    expect(asLegacyOrder(document)).toEqual({
      id: '01935c9e-8a00-4000-8000-000000000007',
      number: 7,
      text: '{"id":"01935c9e-8a00-4000-8000-000000000007","number":7,"accountId":"demo-01","side":"buy","symbol":"ACME","quantity":3,"price":187.35,"amount":562.05,"currency":"EUR","createdAt":"2026-02-01T04:30:00.250"}',
    });
  });
});
