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
  {
    name: 'accept writes of foreign pages from clients with keys',
    file: 'legacy-api.ts',
    replace: 'else rejectForeignWrites(scope, hosts);',
    by: '',
    specs: 'legacy-api.spec',
  },
  {
    name: 'forward a read to the host of a whole URL',
    file: 'reads/read-routes.ts',
    replace: 'forwardedTarget(route, request.raw)',
    by: "request.raw.url ?? '/'",
    specs: 'legacy-api.spec',
  },
  {
    name: 'forward a write to the host of a whole URL',
    file: 'writes/write-routes.ts',
    replace: 'forwardedTarget(route, request.raw)',
    by: "request.raw.url ?? '/'",
    specs: 'legacy-api.spec',
  },
];
