import { BaseRpcContext } from '@nestjs/microservices';
import type { Attempt, ConsumedRecord } from '@orders-pipeline/parallel-consumer';

/** The `@Ctx()` argument of a handler: the record as read, and the attempt. One object per attempt. */
export class ParallelConsumerContext extends BaseRpcContext<[ConsumedRecord, Attempt]> {
  constructor(
    /** Key, value and headers as raw bytes, with topic, partition, offset and timestamp. */
    readonly record: ConsumedRecord,
    /** `number`: 1 for the first attempt. `signal`: aborts when the consumer no longer waits; pass it to cancellable operations. */
    readonly attempt: Attempt,
  ) {
    super([record, attempt]);
  }
}
