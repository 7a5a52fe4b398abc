import { describe, expect, it } from '@jest/globals';
import { OrderRedirectController, QueryApiAddress } from './order-redirect.controller.js';

const ID = '0f5e3d0c-6f0f-5d57-a3c5-7f0c3b8f0a52';

describe('a request for an order at the producer', () => {
  it.each(['http://orders.example:3000', 'http://orders.example:3000/'])('is redirected to %s', (address) => {
    const controller = new OrderRedirectController(new QueryApiAddress(address));
    const url = `http://orders.example:3000/v1/orders/${ID}`;
    expect(controller.redirectToOrder(ID, { url: `/v1/orders/${ID}` })).toEqual({ url });
    const waiting = `/v1/orders/${ID}?waitMs=5000`;
    expect(controller.redirectToOrder(ID, { url: waiting })).toEqual({ url: `${url}?waitMs=5000` });
  });

  it('is a 404 that says where to ask, without the address', () => {
    const controller = new OrderRedirectController(new QueryApiAddress(undefined));
    expect(() => controller.redirectToOrder(ID, { url: '' })).toThrow(
      expect.objectContaining({
        code: 'not-found',
        detail: expect.stringContaining(`/v1/orders/${ID} from the query API`),
      }),
    );
  });
});
