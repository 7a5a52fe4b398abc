import { z } from 'zod';
import {
  auditSettings,
  faultSettings,
  eventStreamSettings,
  concurrencySettings,
  httpSettings,
  mongoSettings,
  queryApiPublicUrl,
} from '#service/settings/service-settings.js';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';
import { kafkaConnectionSettings } from '#service/settings/kafka-settings.js';
import { autoscalingSettings, refuseContradictions } from './autoscaling/autoscaling-settings.js';

const settings = z.object({
  ...httpSettings(3002),
  ...authSettings,
  ...profileSettings,
  ...auditSettings,
  ...mongoSettings,
  ...kafkaConnectionSettings,
  ...faultSettings,
  PRODUCER_URL: z.url().default('http://127.0.0.1:3001').meta({
    description: "The producer to which the console forwards its page's requests.",
    allowed: 'an address such as http://127.0.0.1:3001',
    perProcess: true,
  }),
  QUERY_API_URL: z.url().default('http://127.0.0.1:3000').meta({
    description: "The query API to which the console forwards its page's requests.",
    allowed: 'an address such as http://127.0.0.1:3000',
    perProcess: true,
  }),
  QUERY_API_PUBLIC_URL: queryApiPublicUrl,
  FACADE_URL: z.url().optional().meta({
    description:
      "The facade, to which the console forwards the requests of its page's *Migration*. Unset: there is no migration.",
    allowed: 'an address such as http://127.0.0.1:3005',
    perProcess: true,
  }),
  ...concurrencySettings('FORWARDED', 'Requests that the console forwards to one service,', {
    perCaller: 32,
    inTotal: 256,
  }),
  ...eventStreamSettings,
  CONSOLE_CLIENT_ID: z.string().default('orders-console').meta({
    description: 'OAuth client with which people sign in: a public client at the issuer, with the redirect URI `/`.',
    allowed: 'a client id',
  }),
  SCALED_BY: z.enum(['supervisor', 'none']).default('none').meta({
    description:
      'What starts and stops consumers on request of the console: `supervisor` (under `npm start`), or `none`.',
    allowed: '`supervisor` or `none`',
    perProcess: true,
  }),
  ...autoscalingSettings,
});

export const settingsSchema = refuseContradictions(settings);

export type ConsoleSettings = z.infer<typeof settingsSchema>;
