import { resolve } from 'node:path';
import { type Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { StackError } from './stack-error.js';

/**
 * Parses the flags of a tool. Prints the list of flags and ends the process for `--help`.
 * @param command its options @param args without the program
 * @throws StackError `bad-flag` with the list of flags
 */
export function parseFlags(command: Command, args: readonly string[]): Command {
  try {
    return command
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) process.exit(0);
    throw new StackError('bad-flag', error.message, command.helpInformation().trimEnd(), { cause: error });
  }
}

/** Returns a parser of integers. */
export function integerFlag(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      `It must be an integer from ${least.toLocaleString('en-US')} to ${most.toLocaleString('en-US')}.`,
    );
  };
}

/** Parses a range of milliseconds such as `0..1000`. */
export function millisecondsFlag(text: string): { readonly minimum: number; readonly maximum: number } {
  const [, least, most] = /^(\d{1,7})\.\.(\d{1,7})$/.exec(text) ?? [];
  const bounds = { minimum: Number(least), maximum: Number(most) };
  if (bounds.minimum <= bounds.maximum) return bounds;
  throw new InvalidArgumentError('It must be a range of milliseconds such as 0..1000, the minimum first.');
}

/** Returns the option `--only`, which selects some of these names, or all that begin with a name and a dash, and may be repeated. */
export function onlyOption(names: readonly string[], description: string): Option {
  const select = (text: string, before: readonly string[]): readonly string[] => {
    if (names.some((name) => isSelected(name, [text]))) return [...before, text];
    throw new InvalidArgumentError(`It must be one of ${names.join(', ')}, or the beginning of such names.`);
  };
  return new Option('--only <name>', description).argParser(select).default([], 'all');
}

/** Parses a path. */
export function pathFlag(text: string): string {
  if (text !== '') return resolve(text);
  throw new InvalidArgumentError('It must be a path.');
}

/** Returns whether `--only` selects a name; without it, each is selected. */
export function isSelected(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((prefix) => name === prefix || name.startsWith(`${prefix}-`));
}
