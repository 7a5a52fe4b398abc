import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** A version of the product, compiled in a folder. */
export interface Release {
  readonly version: string;
  readonly directory: string;
}

/** The version that is being developed, from this folder. */
export function currentRelease(): Release {
  const text = readFileSync(join(PROJECT_DIRECTORY, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return { version, directory: PROJECT_DIRECTORY };
}
