import type { ChangeStream, Long, MongoClient } from 'mongodb';

const BATCH_SIZE = 1_000;

interface Change {
  readonly operationType: string;
  readonly fullDocument?: { readonly ingest: { readonly partition: number; readonly offset: number | Long } };
}

/** When each order was seen in MongoDB's change stream, which returns what a majority has. */
export class SeenOrders {
  /** By `recordKey` of the record that was saved, in ms since the epoch. */
  readonly at = new Map<string, number>();
  private readonly ended: Promise<void>;

  private constructor(private readonly stream: ChangeStream) {
    this.ended = this.run();
  }

  /** Resolves once no later order is missed. */
  static async watch(client: MongoClient): Promise<SeenOrders> {
    const fields = { operationType: 1, 'fullDocument.ingest.partition': 1, 'fullDocument.ingest.offset': 1 };
    const stream = client
      .db()
      .collection('orders')
      .watch([{ $project: fields }], { batchSize: BATCH_SIZE });
    await stream.tryNext();
    return new SeenOrders(stream);
  }

  async stop(): Promise<void> {
    await this.stream.close();
    await this.ended;
  }

  private async run(): Promise<void> {
    // It ends when the stream is closed.
    for await (const change of this.stream.stream() as AsyncIterable<Change>) {
      if (change.operationType !== 'insert' || change.fullDocument === undefined) continue;
      const { partition, offset } = change.fullDocument.ingest;
      this.at.set(recordKey(partition, Number(offset)), performance.timeOrigin + performance.now());
    }
  }
}

/** Names a record of the topic. */
export function recordKey(partition: number, offset: number): string {
  return `${partition}:${offset}`;
}
