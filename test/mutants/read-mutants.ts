import type { Mutant } from './mutant.js';

/** Mutants of what one client of the facade can take away from the others. */
export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'let one client hold all connections with long answers',
    file: 'reads/read-routes.ts',
    replace: 'places.hold(request, reply, request.client ?? callerKey(request));',
    by: '',
    specs: 'reads/read-routes',
  },
  {
    name: 'count the long answers of all clients of an address together',
    file: 'reads/read-routes.ts',
    replace: 'request.client ?? callerKey(request)',
    by: 'callerKey(request)',
    specs: 'reads/read-routes',
  },
  {
    name: 'keep the connection of an answer that has no place',
    file: 'reads/read-routes.ts',
    replace: 'disconnected.abort(error);',
    by: '',
    specs: 'reads/read-routes',
  },
  {
    name: 'write over the connections of reads',
    file: 'sides/sides.ts',
    replace: 'const answering = connect(options, shared, ofClients);',
    by: 'const answering = reading;',
    specs: 'sides/sides',
  },
];
