/** Options of the routes of the legacy system's API. It limits no rates: a client that is moved to the facade must not get a 429. */
export const UNLIMITED = { config: { rateLimit: false } } as const;
