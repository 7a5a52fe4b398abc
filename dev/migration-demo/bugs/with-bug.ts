import type { TranslationBug } from './translation-bugs.js';

/**
 * Returns the text of the bug's file with the bug in it.
 * @throws Error unless the replaced text occurs exactly once: the code has changed, and the bug must follow it
 */
export function withBug(text: string, { name, file, replace, by }: TranslationBug): string {
  const found = text.split(replace).length - 1;
  if (found !== 1)
    throw new Error(`${file} has the text of bug ${name} ${found} times instead of once: update the bug`);
  return text.replace(replace, () => by);
}
