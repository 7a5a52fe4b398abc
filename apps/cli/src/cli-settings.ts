import { z } from 'zod';
import { portSettings } from '#service/settings/service-settings.js';

const { PRODUCER_PORT, CONSOLE_PORT, FACADE_PORT } = portSettings;

const text = z.string().optional();

/**
 * Documents the environment variables of `npm run orders`, `npm run scale` and `npm run migration`. Each is validated by the code that uses it: `--help` and
 * commands that don't need a variable work with any value. Files of variables (`X_FILE`) are read at once, and reported by each command.
 */
export const cliSettingsSchema = z.object({
  PRODUCER_PORT,
  CONSOLE_PORT,
  FACADE_PORT,
  ORDERS_URL: text.meta({
    description: 'The producer that `npm run orders` uses.',
    allowed: 'an http:// or https:// address without user, query or fragment',
    shownDefault: 'http://127.0.0.1:PRODUCER_PORT',
  }),
  ORDERS_CONSOLE_URL: text.meta({
    description: 'The console that `npm run scale` and the scaling demo use.',
    allowed: 'an http:// or https:// address without user, query or fragment',
    shownDefault: 'http://127.0.0.1:CONSOLE_PORT',
  }),
  ORDERS_FACADE_URL: text.meta({
    description: 'The facade that `npm run migration` uses.',
    allowed: 'an http:// or https:// address without user, query or fragment',
    shownDefault: 'http://127.0.0.1:FACADE_PORT',
  }),
  ORDERS_TOKEN: text.meta({
    description: 'The bearer token that the command line sends.',
    allowed: 'a token alone, without `Bearer`, spaces or quotes',
    secret: true,
  }),
  ORDERS_CLIENT_ID: text.meta({
    description: "The client that requests tokens from the producer's issuer, if `ORDERS_TOKEN` is not set.",
    allowed: 'a client id, together with `ORDERS_CLIENT_SECRET`',
  }),
  ORDERS_CLIENT_SECRET: text.meta({
    description: 'The secret of `ORDERS_CLIENT_ID`; it is sent over https or to this machine only.',
    allowed: 'a client secret',
    secret: true,
  }),
  ORDERS_ISSUER: text.meta({
    description: 'The only issuer that gets these credentials.',
    allowed: 'an issuer name, exactly as the producer advertises it',
  }),
});

/** The environment variables that the command line may read. */
export type CliSettings = { readonly [name in keyof typeof cliSettingsSchema.shape]?: string | undefined };
