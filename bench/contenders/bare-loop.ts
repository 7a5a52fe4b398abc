import type { Contender } from './contender.js';
import { startPlain } from './start-plain.js';

/** The engine's commit interval. By default kafkajs would commit after each batch, which is slower. */
const COMMIT_EVERY_MS = 200;

export const contend: Contender<'bare-loop'> = async (job, meter) => {
  const handler = async (_message: unknown): Promise<void> => {
    meter.begin();
    meter.finished();
  };
  await startPlain(
    job,
    {
      autoCommit: false,
      autoCommitInterval: COMMIT_EVERY_MS,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        for (const message of batch.messages) await handler(message);
        payload.resolveOffset(batch.lastOffset());
        await payload.commitOffsetsIfNecessary();
        await payload.heartbeat();
      },
    },
    job.parameters.fetch,
  );
  await meter.done;
};
