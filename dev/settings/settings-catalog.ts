import type { z } from 'zod';
import { authSettings } from '#service/auth/auth-settings.js';
import { profileSettings } from '#service/profiles/profile-folder.js';
import { portSettings, httpSettings, mongoSettings } from '#service/settings/service-settings.js';
import { describeSettings, type SettingDoc, RENAMED_SETTINGS } from '#service/settings/settings.js';
import { tracingSchema, tracingSettings } from '#service/telemetry/tracing-settings.js';
import { kafkaSettings } from '#service/settings/kafka-settings.js';
import { cliSettingsSchema } from '../../apps/cli/src/cli-settings.js';
import { reconcileSettingsSchema, settingsSchema as adminSchema } from '../../apps/admin/src/settings.js';
import { settingsSchema as consoleSchema } from '../../apps/console/src/settings-schema.js';
import { settingsSchema as consumerSchema } from '../../apps/consumer/src/settings-schema.js';
import { settingsSchema as facadeSchema } from '../../apps/facade/src/settings-schema.js';
import { settingsSchema as issuerSchema } from '../../apps/dev-issuer/src/settings.js';
import { settingsSchema as legacySchema } from '../../apps/legacy/src/settings.js';
import { settingsSchema as producerSchema } from '../../apps/producer/src/settings-schema.js';
import { settingsSchema as queryApiSchema } from '../../apps/query-api/src/settings-schema.js';
import { settingsSchema as scalerSchema } from '../../apps/swarm-scaler/src/settings.js';
import { composeSettingsSchema, stackSettingsSchema } from './stack-settings.js';
import { parseEnv } from 'node:util';

/** A setting as the documents show it. */
export interface CatalogedSetting extends Omit<SettingDoc, 'needs' | 'excludes'> {
  readonly name: string;
  /** The programs that read it. */
  readonly readers: readonly string[];
}

/** Settings that the documents show together. */
export interface SettingsSection {
  readonly title: string;
  readonly settings: readonly CatalogedSetting[];
}

/** Every program that reads settings, and its schema. */
const READERS = new Map<string, z.ZodObject>([
  ['producer', producerSchema],
  ['consumer', consumerSchema],
  ['query API', queryApiSchema],
  ['console', consoleSchema],
  ['issuer', issuerSchema],
  ['facade', facadeSchema],
  ['legacy system', legacySchema],
  ['swarm scaler', scalerSchema],
  ['all of these', tracingSchema],
  ['npm start', stackSettingsSchema],
  ['Compose', composeSettingsSchema],
  ['npm run orders', cliSettingsSchema],
  ['npm run reconcile', reconcileSettingsSchema],
  ['npm run admin', adminSchema],
]);

/** A setting is in the first of these that has it, unless it is set for each process. */
const SECTIONS = new Map<string, object>([
  ['Ports of `npm start` and Docker Compose', portSettings],
  ['Servers', { ...kafkaSettings, ...mongoSettings }],
  ['HTTP and logs', { ...httpSettings(0), ...profileSettings }],
  ['Traces', tracingSettings],
  ['Tokens', { ...authSettings, CONSOLE_CLIENT_ID: true }],
  ['Producer', producerSchema.shape],
  ['Consumer', consumerSchema.shape],
  ['Query API', queryApiSchema.shape],
  ['Console', consoleSchema.shape],
  ['Legacy system', legacySchema.shape],
  ['Facade', facadeSchema.shape],
  ['Swarm scaler', scalerSchema.shape],
  ['Command line', cliSettingsSchema.shape],
  ['Downloads and Docker Compose', { ...stackSettingsSchema.shape, ...composeSettingsSchema.shape }],
]);

/** Returns all settings of all programs, each once. The last section has those that `npm start` and Docker Compose set for each process. */
export function catalogSettings(): SettingsSection[] {
  const left = new Map(allSettings().map((setting) => [setting.name, setting]));
  const take = (belongs: (setting: CatalogedSetting) => boolean): CatalogedSetting[] => {
    const taken = [...left.values()].filter(belongs);
    for (const { name } of taken) left.delete(name);
    return taken;
  };
  const own = take(({ perProcess }) => perProcess);
  const sections = [...SECTIONS].map(([title, names]) => ({ title, settings: take(({ name }) => name in names) }));
  return [...sections, { title: 'Set by `npm start` and Docker Compose', settings: [...own, ...left.values()] }];
}

function allSettings(): CatalogedSetting[] {
  const found = [...READERS].flatMap(([reader, schema]) =>
    [...describeSettings(schema)].map(([name, doc]) => ({ reader, name, doc })),
  );
  return [...Map.groupBy(found, ({ name }) => name)].map(([name, uses]) => ({
    name,
    readers: uses.map(({ reader }) => reader),
    description: uses[0] === undefined ? '' : describe(uses[0].doc),
    allowed: merge(uses.map(({ reader, doc }) => [reader, doc.allowed])),
    shownDefault: merge(uses.map(({ reader, doc }) => [reader, doc.shownDefault])),
    secret: uses.some(({ doc }) => doc.secret),
    perProcess: uses.some(({ doc }) => doc.perProcess),
  }));
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(' and ');
}

function describe({ description, needs, excludes }: SettingDoc): string {
  return [
    description,
    ...(needs.length > 0 ? [`Needs ${list(needs)}.`] : []),
    ...(excludes.length > 0 ? [`Not together with ${list(excludes)}.`] : []),
  ].join(' ');
}

/** Returns what all readers have in common, or the value of each, such as `3001 (producer); 0 (consumer)`. */
function merge(values: readonly (readonly [reader: string, value: string])[]): string {
  const byValue = [...Map.groupBy(values, ([, value]) => value)];
  if (byValue.length === 1) return byValue[0]?.[0] ?? '';
  return byValue.map(([value, uses]) => `${value} (${uses.map(([reader]) => reader).join(', ')})`).join('; ');
}

/**
 * Returns a line for each name in a `.env` file that is no setting: it is probably misspelled, or was renamed. Unknown names in the
 * environment can't be reported: it belongs to all programs.
 */
export function reportUnknownSettings(envFile: string): string[] {
  const known = new Set(catalogSettings().flatMap(({ settings }) => settings.map(({ name }) => name)));
  const unknown = Object.keys(parseEnv(envFile)).filter(
    (name) => !known.has(name) && !known.has(name.replace(/_FILE$/, '')),
  );
  return unknown.map((name) => {
    const now = RENAMED_SETTINGS[name];
    if (now !== undefined) return `.env: ${name} was renamed: set ${now} instead`;
    return `.env: ${name} is not a setting of the pipeline; docs/configuration.md has their names`;
  });
}
