import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { bugOf, withBug } from './translation-bugs.js';

// Loaded before a facade of the demo (`--import`): plants the bug that PLANTED_BUG names in one module, so that no code of the product
// knows of it.

const { PLANTED_BUG: name = '' } = process.env;
const bug = bugOf(name);
if (bug === undefined) throw new Error(`PLANTED_BUG must name a translation bug, got "${name}"`);
const planted = pathToFileURL(join(PROJECT_DIRECTORY, bug.file)).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== planted) return loaded;
    const { source } = loaded;
    const text = typeof source === 'string' ? source : new TextDecoder().decode(source ?? new Uint8Array());
    return { ...loaded, source: withBug(text, bug) };
  },
});
