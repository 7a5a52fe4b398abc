import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The folder of package.json, whether this file runs from dev/ (tests) or from dist/dev/ (`npm start`).
 * A fixed number of `..` would be right in only one of the two.
 */
export const PROJECT_DIRECTORY = nearestWithPackageJson(import.meta.dirname);

function nearestWithPackageJson(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error(`No package.json above ${import.meta.dirname}`);
  return nearestWithPackageJson(parent);
}
