import { describe, expect, it } from '@jest/globals';
import { partsOf, withHost } from './servers.command.js';

const URI = 'mongodb://__system:a%2Fb@m-1:27017,m-2:27017/orders?replicaSet=rs0&tls=true&tlsCAFile=/run/ca.pem';

describe('the address of a replica set', () => {
  it('names the hosts and the set', () => {
    expect(partsOf(URI)).toEqual({ hosts: ['m-1:27017', 'm-2:27017'], name: 'rs0' });
    expect(partsOf('mongodb://m-1/?replicaSet=s')).toEqual({ hosts: ['m-1'], name: 's' });
  });

  it('is refused without the set', () => {
    expect(() => partsOf('mongodb://m-1/orders')).toThrow(/replicaSet=NAME/);
  });

  it('of one member keeps the user and the options', () => {
    expect(withHost(URI, 'm-2:27017')).toBe(
      'mongodb://__system:a%2Fb@m-2:27017/orders?tls=true&tlsCAFile=%2Frun%2Fca.pem&directConnection=true',
    );
  });
});
