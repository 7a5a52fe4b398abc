import { ADMIN_BENCHMARKS } from './admin-benchmarks.js';
import type { Benchmark } from './bench.js';
import { compare } from './comparison.js';
import { ENGINE_BENCHMARKS } from './engine-benchmarks.js';
import { FACADE_BENCHMARKS } from './facade-benchmarks.js';
import { ORDER_API_BENCHMARKS } from './order-api-benchmarks.js';
import { READ_BENCHMARKS } from './read-benchmarks.js';
import { STACK_BENCHMARKS } from './stack-benchmarks.js';

/** All benchmarks that need servers, in the order in which they run. Those in simulated time run before. */
export const BENCHMARKS: readonly Benchmark[] = [
  ...ENGINE_BENCHMARKS,
  ...ORDER_API_BENCHMARKS,
  compare,
  ...STACK_BENCHMARKS,
  ...READ_BENCHMARKS,
  ...FACADE_BENCHMARKS,
  ...ADMIN_BENCHMARKS,
];
