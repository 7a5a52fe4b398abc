import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The Node that package.json pins. Scripts run on it, whatever version the machine has. */
export const PINNED_NODE = join(PROJECT, 'node_modules', 'node', 'bin', 'node');

export function hasPinnedNode() {
  return existsSync(PINNED_NODE);
}

/** A failure of the set-up that the user can fix. */
export class SetUpError extends Error {
  constructor(message, remedy) {
    super(message);
    this.name = 'SetUpError';
    this.remedy = remedy;
  }
}
