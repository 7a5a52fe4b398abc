/** The scopes of tokens and what each allows. */
export const SCOPES = {
  'orders:read': 'read orders and operations',
  'orders:write': 'send orders, populate and import; pause, resume and cancel them',
  'ops:scale': 'change the number of consumers',
  'ops:migrate': 'move the traffic of the legacy system to the pipeline, and back',
  'dead-letters:redrive': 'redrive and discard dead letters; pause, resume and cancel redrives',
} as const;

export type Scope = keyof typeof SCOPES;
