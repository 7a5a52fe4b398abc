/** Options of the routes of the legacy system's API. It limits no rates: a client that is moved to the facade must not get a 429. Its clients have API keys. */
export const UNLIMITED = { config: { rateLimit: false, noToken: true } } as const;
