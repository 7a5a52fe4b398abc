/** Requirements of the end-to-end run. */
export const LIMITS = {
  /** 10,000,000 orders in 480 s; fewer orders proportionally faster. */
  ordersPerSecond: Math.ceil(10_000_000 / 480),
  /** Of the rate of a bare `insertMany`. */
  shareOfInserts: 0.55,
  reconciledPerSecond: 60_000,
  /** Peak resident memory of each app process. */
  producerMiB: 250,
  consumerMiB: 400,
  /** Memory of the last quarter divided by that of the second. */
  growth: 1.1,
} as const;
