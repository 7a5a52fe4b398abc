import { describe, expect, it } from '@jest/globals';
import { readSettings, tokenClient } from './settings.js';

const ISSUER = { AUTH_ISSUER: 'https://issuer.example', FACADE_CLIENT_SECRET: 'secret' };

describe('the settings of the facade', () => {
  it('have defaults for a legacy system on this machine, without keys and tokens', () => {
    const settings = readSettings({});
    expect(settings).toMatchObject({ PORT: 3005, LISTEN_HOST: '127.0.0.1', LEGACY_URL: 'http://127.0.0.1:3010' });
    expect(tokenClient(settings)).toBeUndefined();
  });

  it.each(['0.0.0.0', '::', '192.0.2.1', 'facade'])(
    'require API keys on %s: any client could write orders',
    (LISTEN_HOST) => {
      expect(() => readSettings({ LISTEN_HOST })).toThrow(
        `LEGACY_CLIENTS_FILE: must be set, since LISTEN_HOST ${LISTEN_HOST}`,
      );
      expect(readSettings({ LISTEN_HOST, LEGACY_CLIENTS_FILE: 'clients.json' }).LISTEN_HOST).toBe(LISTEN_HOST);
    },
  );

  it('require a client secret with an issuer: the target then requires tokens', () => {
    expect(() => readSettings({ ...ISSUER, FACADE_CLIENT_SECRET: '' })).toThrow('FACADE_CLIENT_SECRET: must be set');
    expect(tokenClient(readSettings({ ...ISSUER, AUTH_DISCOVERY_URL: 'http://issuer:3003' }))).toEqual({
      issuer: 'https://issuer.example',
      discoveryUrl: 'http://issuer:3003',
      allowsHttp: false,
      id: 'orders-facade',
      secret: 'secret',
      scope: 'orders:read orders:write',
    });
  });
});
