import type { Mutant } from './mutant.js';

/** Mutants of what the facade accepts from its clients. */
export const CLIENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'accept the demo key in production',
    file: 'clients/client-keys.ts',
    replace: 'isProduction && key === DEMO_KEY',
    by: "isProduction && key === ''",
    specs: 'client-keys',
  },
];
