import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const ResourcesSchema = z.looseObject({
  reservations: z.looseObject({ cpus: z.string().optional(), memory: z.string().optional() }).optional(),
});
/** The fields that `up` reads. Everything else passes through to Docker. */
const ServiceSchema = z.looseObject({
  image: z.string(),
  deploy: z
    .looseObject({
      mode: z.string().optional(),
      replicas: z.coerce.number().optional(),
      placement: z
        .looseObject({
          constraints: z.array(z.string()).optional(),
          max_replicas_per_node: z.coerce.number().optional(),
        })
        .optional(),
      resources: ResourcesSchema.optional(),
    })
    .optional(),
  ports: z.array(z.looseObject({ published: z.coerce.number() })).optional(),
});
const NamedFileSchema = z.object({ file: z.string(), name: z.string() });
const StackSchema = z.looseObject({
  services: z.record(z.string(), ServiceSchema),
  configs: z.record(z.string(), NamedFileSchema).default({}),
  secrets: z.record(z.string(), NamedFileSchema).default({}),
});

export type StackService = z.infer<typeof ServiceSchema>;
type StackContent = z.infer<typeof StackSchema>;

/** A label of a node, in a constraint such as `node.labels.orders.kafka-1 == true`. */
const LABEL = /^node\.labels\.(?<label>[\w.-]+) *== *true$/;
const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** A secret or a config. */
interface NamedFile {
  readonly kind: 'secret' | 'config';
  readonly key: string;
  /** The path of its content, relative to the stack file. */
  readonly file: string;
  /** Its name in the swarm. */
  readonly name: string;
}

/** The stack files, merged, with all variables replaced. */
export class StackFile {
  private constructor(
    private readonly content: StackContent,
    /** Variables that have neither a value nor a default. */
    readonly missing: readonly string[],
  ) {}

  /** @param paths later files add to the first, and replace values in it */
  static read(paths: readonly string[], values: Readonly<Record<string, string | undefined>>): StackFile {
    const missing = new Set<string>();
    const contents = paths.map((path) => {
      // Docker reads YAML 1.1, where 0400 is an octal number.
      const content: unknown = parse(readFileSync(path, 'utf8'), { version: '1.1', merge: true, maxAliasCount: -1 });
      return withValues(content, values, missing);
    });
    return new StackFile(StackSchema.parse(contents.reduce(merged, {})), [...missing]);
  }

  get services(): ReadonlyMap<string, StackService> {
    return new Map(Object.entries(this.content.services));
  }

  /** Secrets and configs. */
  get files(): readonly NamedFile[] {
    return [...namedFiles('secret', this.content.secrets), ...namedFiles('config', this.content.configs)];
  }

  /** The labels that services need, by label. A service with no replicas needs none. */
  get labels(): ReadonlyMap<string, readonly string[]> {
    const uses = [...this.services].flatMap(([service, { deploy }]) =>
      (deploy?.replicas === 0 ? [] : (deploy?.placement?.constraints ?? [])).flatMap((constraint) => {
        const label = LABEL.exec(constraint)?.groups?.['label'];
        return label === undefined ? [] : [{ service, label }];
      }),
    );
    const byLabel = Map.groupBy(uses, ({ label }) => label);
    return new Map([...byLabel].map(([label, each]) => [label, each.map(({ service }) => service)]));
  }

  /** Returns a stack of only some services, as text for `docker stack deploy -c -`. JSON is YAML. */
  only(services: readonly string[], changed: Readonly<Record<string, StackService>> = {}): string {
    const chosen = services.map((name) => [name, changed[name] ?? this.content.services[name]] as const);
    // Docker replaces variables once more.
    return JSON.stringify({ ...this.content, services: Object.fromEntries(chosen) }).replaceAll('$', '$$$$');
  }
}

function namedFiles(kind: NamedFile['kind'], from: StackContent['secrets']): NamedFile[] {
  return Object.entries(from).map(([key, { file, name }]) => ({ kind, key, file, name }));
}

/** Returns a content with the variables in its texts replaced. Texts stay texts, as with Docker. @param missing is added to */
function withValues(
  content: unknown,
  values: Readonly<Record<string, string | undefined>>,
  missing: Set<string>,
): unknown {
  if (typeof content === 'string') {
    const result = interpolate(content, values);
    for (const name of result.missing) missing.add(name);
    return result.text;
  }
  if (Array.isArray(content)) return content.map((each) => withValues(each, values, missing));
  if (typeof content !== 'object' || content === null) return content;
  return Object.fromEntries(
    Object.entries(content)
      // Anchors have been resolved where they are used.
      .filter(([name]) => !name.startsWith('x-'))
      .map(([name, each]) => [name, withValues(each, values, missing)]),
  );
}

/** Returns a content with what another one adds or replaces. Lists are replaced as a whole. */
function merged(before: unknown, after: unknown): unknown {
  if (!isMapping(before) || !isMapping(after)) return after;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Object.fromEntries(
    [...names].map((name) => [name, name in after ? merged(before[name], after[name]) : before[name]]),
  );
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the label of the node that runs a service, or undefined if any node may. */
export function labelOf({ deploy }: StackService): string | undefined {
  return (deploy?.placement?.constraints ?? []).map((each) => LABEL.exec(each)?.groups?.['label']).find(Boolean);
}

/** Returns the memory that a task of a service reserves, in bytes. */
export function reservedMemory({ deploy }: StackService): number {
  return toBytes(deploy?.resources?.reservations?.memory ?? '0');
}

/** Returns the CPUs that a task of a service reserves. */
export function reservedCpus({ deploy }: StackService): number {
  return Number(deploy?.resources?.reservations?.cpus ?? 0);
}

function toBytes(text: string): number {
  const { amount, unit = '' } = /^(?<amount>[\d.]+) *(?<unit>[KMG]?)B?$/i.exec(text)?.groups ?? {};
  return Number(amount) * (UNITS[unit.toUpperCase()] ?? Number.NaN);
}

/** `$$`, `${NAME}`, `${NAME:-default}`. Other forms are not used in the stack files. */
const VARIABLE = /\$\$|\$\{(?<name>[A-Z][A-Z0-9_]*)(?::-(?<byDefault>[^{}]*))?\}/g;

/**
 * Replaces variables in a text as Docker does.
 * @returns the text, and the names of variables without a value and without a default
 */
export function interpolate(
  text: string,
  values: Readonly<Record<string, string | undefined>>,
): { readonly text: string; readonly missing: readonly string[] } {
  const missing = new Set<string>();
  const replaced = text.replaceAll(VARIABLE, (_found, name: string | undefined, byDefault: string | undefined) => {
    if (name === undefined) return '$';
    const value = values[name] || byDefault;
    if (value === undefined) missing.add(name);
    return value ?? '';
  });
  return { text: replaced, missing: [...missing] };
}
