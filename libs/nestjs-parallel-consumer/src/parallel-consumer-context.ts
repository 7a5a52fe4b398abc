import { BaseRpcContext } from '@nestjs/microservices';
import type { Attempt } from '../../parallel-consumer/src/options.js';
import type { ConsumedRecord } from '../../parallel-consumer/src/record.js';

/** What `@Ctx()` gives a handler: the record as it was read, and which try this is. One object for each attempt. */
export class ParallelConsumerContext extends BaseRpcContext<[ConsumedRecord, Attempt]> {
  constructor(
    /** Raw bytes of key, value and headers, with topic, partition, offset and timestamp. */
    readonly record: ConsumedRecord,
    /** `number`: 1 for the first try. `signal`: aborts when the work is no longer wanted; hand it to what can be cancelled. */
    readonly attempt: Attempt,
  ) {
    super([record, attempt]);
  }
}
