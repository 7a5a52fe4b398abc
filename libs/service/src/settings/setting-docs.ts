import { z } from 'zod';

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
