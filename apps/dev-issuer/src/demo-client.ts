/** A client for people and programs during development. Its secret is public. */
export const DEMO_CLIENT = { id: 'orders-demo', secret: 'orders-demo-secret' } as const;
