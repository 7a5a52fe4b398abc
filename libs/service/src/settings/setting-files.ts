import { readFileSync } from 'node:fs';
import { documentedAt } from './setting-docs.js';

/** The values of settings, from the environment or from files. */
export interface GivenSettings {
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
    const result = value ? { fault: `${name} and ${variable} are both set: unset one of them` } : contentOf(path);
    if ('content' in result) values[name] = result.content;
    else faults.set(name, `${result.fault.replace('{}', variable)} (${documentedAt(name)})`);
  }
  return { values, faults, fromFiles };
}

/** Reads a file. `{}` in a fault stands for the variable with the path. */
function contentOf(path: string): { readonly content: string } | { readonly fault: string } {
  try {
    const content = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    if (content !== '') return { content };
    return { fault: 'The file of {} is empty: write the value into it' };
  } catch (error) {
    return { fault: `The file of {} ${reasonOf(error)}` };
  }
}

/** Says why a file can't be read, without its path: a secret that was set as `X_FILE` by mistake looks like a path. */
export function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'does not exist: set the path of an existing file';
  if (code === 'EACCES') return "can't be read: let the user of this process read it";
  if (code === 'EISDIR') return 'is a folder: set the path of a file in it';
  return `can't be read (${String(code)}): set the path of a readable file`;
}
