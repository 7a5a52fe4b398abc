import { readFileSync } from 'node:fs';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** Thrown when a setting is missing or invalid; the process then doesn't start. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly code = 'bad-settings';
}

/** Removed names of settings, and the names that replace them. */
export const RENAMED_SETTINGS: Readonly<Record<string, string>> = {
  IN_FLIGHT_WISHES_SINCE: 'IN_FLIGHT_OVERRIDES_SINCE',
};

/**
 * Reads settings from environment variables, or from the files that `X_FILE` variables name. An empty variable counts as absent, since
 * shells and Compose files can't unset one.
 * @throws SettingsError with a line for every wrong setting: its name, its value (unless it may be secret), what is allowed, and
 * where it is documented. A removed name of a setting is wrong too: to ignore it would silently change what the process does.
 */
export function loadSettings<T extends z.ZodObject>(schema: T, environment: NodeJS.ProcessEnv): z.infer<T> {
  const given = readGivenSettings(Object.keys(schema.shape), environment);
  const result = schema.safeParse(given.values);
  const lines = [
    ...Object.entries(RENAMED_SETTINGS).flatMap(([before, now]) =>
      environment[before] && now in schema.shape
        ? [`${before} was renamed: set ${now} instead (${documentedAt(now)})`]
        : [],
    ),
    ...given.faults.values(),
    ...(result.success ? [] : wrongSettings(schema, given, result.error)),
    ...contradictions(schema, given),
  ];
  if (result.success && lines.length === 0) return result.data;
  throw new SettingsError(`Invalid settings:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

function wrongSettings(schema: z.ZodObject, given: GivenSettings, error: z.ZodError): string[] {
  const docs = describeSettings(schema);
  const issues = new Map(error.issues.map((issue) => [String(issue.path[0]), issue]));
  return [...issues]
    .filter(([name]) => !given.faults.has(name))
    .map(([name, issue]) => {
      const { allowed, secret } = docs.get(name) ?? {};
      const reason: unknown = issue.code === 'custom' ? issue.params?.['reason'] : undefined;
      const shown = shownValue(name, given, secret ?? false);
      const which = typeof reason === 'string' ? `, which ${reason}` : '';
      return `${name} must be ${allowed}, got ${shown}${which} (${documentedAt(name)})`;
    });
}

function shownValue(name: string, { values, fromFiles }: GivenSettings, isSecret: boolean): string {
  if (fromFiles.has(name)) return `the content of the file of ${fileVariable(name)}`;
  // An address may contain a password although the setting's usual values don't.
  return isSecret || values[name]?.includes('@') ? 'a value that may be secret' : JSON.stringify(values[name]);
}

/** Parses an integer within bounds from text. */
export function wholeNumber(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum)
    .meta({ allowed: `an integer from ${minimum.toLocaleString('en-US')} to ${maximum.toLocaleString('en-US')}` });
}

/** Accepts an http or https address. */
export function httpAddress() {
  return z.url({ protocol: /^https?$/ }).meta({ allowed: 'an http:// or https:// address' });
}

declare module 'zod' {
  /** What `.meta()` of a setting says, besides `description`: one sentence. */
  interface GlobalMeta {
    /** The allowed values, in words that continue "must be …". Derived for enumerations. */
    allowed?: string;
    /** The value is, or may contain, a credential: no message shows it. */
    secret?: boolean;
    /** `npm start` and Docker Compose set it for each process, so that it has no place in `.env`. */
    perProcess?: boolean;
    /** Settings without which this one has no effect: names, or `NAME=value`. */
    needs?: readonly string[];
    /** Settings that can't be given together with this one. */
    excludes?: readonly string[];
    /** The default in words, if it depends on the machine, on other settings, or on chance. */
    shownDefault?: string;
  }
}

/** The documentation of a setting: the source of its error messages, of docs/configuration.md and of .env.example. */
export interface SettingDoc {
  readonly description: string;
  readonly allowed: string;
  readonly secret: boolean;
  readonly perProcess: boolean;
  /** Names, or `NAME=value`. */
  readonly needs: readonly string[];
  readonly excludes: readonly string[];
  /** The default as in an environment variable, or in words; empty if there is none. */
  readonly shownDefault: string;
}

/** Returns the documentation of each setting of a schema, by its name. */
export function describeSettings(schema: z.ZodObject): Map<string, SettingDoc> {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return new Map(
    Object.entries(schema.shape).map(([name, setting]) => {
      const meta = properties[name] as z.core.JSONSchema.BaseSchema & z.GlobalMeta;
      // The default of a parsed number is missing in a schema of texts; that of a list is there as text only.
      const byDefault = meta.default ?? z.safeParse(setting, undefined).data ?? '';
      return [
        name,
        {
          description: meta.description ?? '',
          allowed: meta.allowed ?? (meta.enum ? `one of ${meta.enum.join(', ')}` : ''),
          secret: meta.secret ?? false,
          perProcess: meta.perProcess ?? false,
          needs: meta.needs ?? [],
          excludes: meta.excludes ?? [],
          shownDefault: meta.shownDefault ?? String(byDefault),
        },
      ];
    }),
  );
}

/** Returns the place that documents a setting, from the project's folder. */
export function documentedAt(name: string): string {
  return `docs/configuration.md#${settingAnchor(name)}`;
}

/** Returns the anchor of a setting in docs/configuration.md. */
export function settingAnchor(name: string): string {
  return name.toLowerCase();
}

/** The values of settings, from the environment or from files. */
interface GivenSettings {
  /** The values by setting. An empty variable counts as absent. */
  readonly values: Readonly<Record<string, string>>;
  /** A line for each setting that could not be read, by setting. No line contains a value: it may be a secret. */
  readonly faults: ReadonlyMap<string, string>;
  /** The settings whose value is from a file. */
  readonly fromFiles: ReadonlySet<string>;
}

/** Returns the variable with the path of the file that contains the setting's value, as Docker and Kubernetes mount secrets. */
export function fileVariable(name: string): string {
  return `${name}_FILE`;
}

/** Returns whether a setting has a value, in its variable or in a file. */
export function isGiven(name: string, environment: NodeJS.ProcessEnv): boolean {
  return Boolean(environment[name] || environment[fileVariable(name)]);
}

/**
 * Reads the given settings: `X` from the variable `X`, or from the file that `X_FILE` names. One newline at the end of a file is dropped.
 * A setting whose own name is `X_FILE` is not the file of a setting `X`.
 */
export function readGivenSettings(names: readonly string[], environment: NodeJS.ProcessEnv): GivenSettings {
  const values: Record<string, string> = {};
  const faults = new Map<string, string>();
  const fromFiles = new Set<string>();
  for (const name of names) {
    const variable = fileVariable(name);
    const value = environment[name];
    const path = names.includes(variable) ? undefined : environment[variable];
    if (value) values[name] = value;
    if (!path) continue;
    fromFiles.add(name);
    const result = value ? { fault: `${name} and ${variable} are both set: unset one of them` } : readValue(path);
    if ('content' in result) values[name] = result.content;
    else faults.set(name, `${result.fault.replace('{}', variable)} (${documentedAt(name)})`);
  }
  return { values, faults, fromFiles };
}

/** Reads a file. `{}` in a fault stands for the variable with the path. */
function readValue(path: string): { readonly content: string } | { readonly fault: string } {
  const result = readText(path);
  if ('reason' in result) return { fault: `The file of {} ${result.reason}` };
  const content = result.content.replace(/\r?\n$/, '');
  return content === '' ? { fault: 'The file of {} is empty: write the value into it' } : { content };
}

/** Says why a file can't be read, without its path: a secret that was set as `X_FILE` by mistake looks like a path. */
function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'does not exist: set the path of an existing file';
  if (code === 'EACCES') return "can't be read: let the user of this process read it";
  if (code === 'EISDIR') return 'is a folder: set the path of a file in it';
  return `can't be read (${String(code)}): set the path of a readable file`;
}

/**
 * Returns a line for each given setting that needs another one, or excludes one that is given too (`needs` and `excludes` of its
 * schema). A setting that could not be read counts as given: it has a line of its own.
 */
function contradictions(schema: z.ZodObject, { values, faults }: GivenSettings): string[] {
  const hasValue = (name: string): boolean => values[name] !== undefined || faults.has(name);
  const isMet = (need: string): boolean => {
    const [name = '', value] = need.split('=');
    return faults.has(name) || (value === undefined ? values[name] !== undefined : values[name] === value);
  };
  return [...describeSettings(schema)]
    .filter(([name]) => hasValue(name))
    .flatMap(([name, { needs, excludes }]) => {
      const unmet = needs
        .filter((need) => !isMet(need))
        .map((need) => `${name} needs ${need}: set ${need}, or unset ${name} (${documentedAt(name)})`);
      const clashes = excludes
        .filter(hasValue)
        .map((other) => `${name} and ${other} exclude each other: unset one of them (${documentedAt(name)})`);
      return unmet.concat(clashes);
    });
}

/** Returns the certificates in a PEM text. */
export function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
}

/** The path of a PEM file with certificates, parsed to the file's content. The file is read once, at the start. */
export function certificateFile() {
  return pemFile(checkCertificates).meta({ allowed: 'the path of a PEM file with a certificate' });
}

/** The path of a PEM file with a private key without passphrase, parsed to the file's content. */
export function privateKeyFile() {
  return pemFile(checkPrivateKey).meta({ allowed: 'the path of a PEM file with a private key without passphrase' });
}

/** Returns why a file has no usable certificates, in words that continue "which …", or `undefined`. */
export function certificateFault(path: string): string | undefined {
  const result = readText(path);
  return 'content' in result ? checkCertificates(result.content) : result.reason;
}

/** @param fault returns why a content is wrong, in words that continue "which …", or `undefined` */
function pemFile(fault: (content: string) => string | undefined) {
  return z
    .string()
    .transform((path, context) => {
      const result = readText(path);
      const reason = 'content' in result ? fault(result.content) : result.reason;
      if (reason === undefined && 'content' in result) return result.content;
      context.addIssue({ code: 'custom', params: { reason } });
      return z.NEVER;
    })
    .optional();
}

function readText(path: string): { readonly content: string } | { readonly reason: string } {
  try {
    return { content: readFileSync(path, 'utf8') };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function checkCertificates(content: string): string | undefined {
  const certificates = certificatesOf(content);
  if (certificates.length === 0) return 'contains no certificate';
  return certificates.every(isCertificate) ? undefined : 'contains a damaged certificate';
}

function isCertificate(pem: string): boolean {
  return parses(() => new X509Certificate(pem));
}

function checkPrivateKey(content: string): string | undefined {
  return parses(() => createPrivateKey(content)) ? undefined : 'contains no readable private key';
}

/** OpenSSL has many error codes for text that is no certificate or key. */
function parses(parse: () => unknown): boolean {
  try {
    return parse() !== undefined;
  } catch {
    return false;
  }
}
