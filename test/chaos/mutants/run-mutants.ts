import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAbandonedRuns, RUN_PREFIX } from '../cluster/abandoned-runs.js';
import { MutatedProduct, type ProductMutant } from './mutated-product.js';

/** What came of a mutant. */
export interface MutantResult {
  /** Whether it was caught as required; of the unchanged product: whether nothing was found. */
  readonly isRight: boolean;
  /** In a line of text. */
  readonly how: string;
}

/** The servers on which all mutants run. */
export interface MutantServers<M> {
  /** @param productDirectory folder of the product with the mutant @param at its place */
  run(mutant: M, productDirectory: string, at: number): Promise<MutantResult>;
  stop(): Promise<unknown>;
}

/**
 * Runs one mutant after another on the same servers, and prints a line about each and `N passed, N failed`. Ends the process: with 0 only if all
 * passed. The first interruption ends the runs, the second one the process.
 */
export async function runMutants<M extends Pick<ProductMutant, 'name' | 'edits'>>(
  mutants: readonly M[],
  start: (directory: string, signal: AbortSignal) => Promise<MutantServers<M>>,
): Promise<never> {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => (interrupted.signal.aborted ? process.exit(130) : interrupted.abort()));
  await removeAbandonedRuns(tmpdir(), (line) => console.log(line));
  const directory = await mkdtemp(join(tmpdir(), RUN_PREFIX));
  let passed = 0;
  try {
    const product = await MutatedProduct.at(join(directory, 'product'));
    const servers = await start(directory, interrupted.signal);
    try {
      console.log('mutant | caught by | seconds');
      for (const [at, mutant] of mutants.entries()) {
        if (interrupted.signal.aborted) break;
        const began = performance.now();
        const revert = await product.put(mutant);
        const { isRight, how } = await servers.run(mutant, product.directory, at);
        await revert();
        if (isRight) passed += 1;
        console.log(`${mutant.name} | ${how} | ${((performance.now() - began) / 1_000).toFixed(1)}`);
      }
    } finally {
      await servers.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
  console.log(`${passed} passed, ${mutants.length - passed} failed`);
  process.exit(passed === mutants.length ? 0 : 1);
}
