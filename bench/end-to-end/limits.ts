/** What the end-to-end run must reach. */
export const LIMITS = {
  /** 10,000,000 orders in 600 s; fewer in as much less. */
  ordersPerSecond: Math.ceil(10_000_000 / 600),
  reconciledPerSecond: 60_000,
  /** Of each process of an app, at any time. */
  producerMiB: 250,
  consumerMiB: 400,
  /** The last quarter's memory against the second's. */
  growth: 1.1,
} as const;
