import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { SettingsError } from '../settings/settings.js';
import { authSettings, rejectOpenService } from './auth-settings.js';

function start(env: Record<string, string>, environment: NodeJS.ProcessEnv = {}): void {
  const { LISTEN_HOST = '127.0.0.1', ...given } = env;
  rejectOpenService({ LISTEN_HOST, ...z.object(authSettings).parse(given) }, environment);
}

describe('an issuer', () => {
  it.each([
    { AUTH_ISSUER: 'https://issuer.example' },
    { AUTH_ISSUER: 'http://localhost:3003' },
    { AUTH_ISSUER: 'http://127.0.0.1:3003' },
    { AUTH_ISSUER: 'http://[::1]:3003' },
    { AUTH_ISSUER: 'http://issuer.example', AUTH_DISCOVERY_URL: 'https://issuer.internal' },
    { AUTH_ISSUER: 'http://issuer.example', AUTH_ALLOW_HTTP_ISSUER: 'true' },
  ])('is accepted: %j', (env) => {
    expect(() => start({ LISTEN_HOST: '0.0.0.0', ...env }, { NODE_ENV: 'production' })).not.toThrow();
  });

  it.each([
    ['AUTH_ISSUER', { AUTH_ISSUER: 'http://issuer.example' }],
    ['AUTH_ISSUER', { AUTH_ISSUER: 'http://localhost.example' }],
    ['AUTH_DISCOVERY_URL', { AUTH_ISSUER: 'https://issuer.example', AUTH_DISCOVERY_URL: 'http://issuer:3003' }],
  ])('by plain http is rejected, and the error names %s: %j', (name, env) => {
    expect(() => start(env)).toThrow(
      new RegExp(`^${name}: must be an https address, got http:.*AUTH_ALLOW_HTTP_ISSUER`),
    );
    expect(() => start(env)).toThrow(SettingsError);
  });

  it('is required in production, and on an address that other machines reach', () => {
    expect(() => start({})).not.toThrow();
    expect(() => start({}, { NODE_ENV: 'production' })).toThrow(/^AUTH_ISSUER: must be set/);
    expect(() => start({ LISTEN_HOST: '0.0.0.0' })).toThrow(/^AUTH_ISSUER: must be set/);
  });
});
