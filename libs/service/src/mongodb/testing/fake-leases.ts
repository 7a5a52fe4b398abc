import { MongoServerError } from 'mongodb';

/** The document of a lease. */
export interface FakeLease {
  readonly owner: string | null;
  readonly expiresAt: Date;
}

/** A filter and an update of `SoleLease`, which a spec on a real MongoDB runs too. */
type LeaseFilter = {
  readonly owner?: string;
  readonly $or?: readonly [unknown, { readonly expiresAt: { readonly $lt: Date } }];
};

/** The collection of one `SoleLease`, in memory. */
export class FakeLeases {
  lease: FakeLease | undefined;

  async findOneAndUpdate(
    { owner, $or }: LeaseFilter,
    { $set }: { readonly $set: FakeLease },
    { upsert = false } = {},
  ): Promise<FakeLease | null> {
    const { lease } = this;
    const isFree = (held: FakeLease): boolean =>
      $or === undefined || held.owner === null || held.expiresAt < $or[1].expiresAt.$lt;
    const matches = lease !== undefined && (owner === undefined ? isFree(lease) : lease.owner === owner);
    if (lease !== undefined && !matches && upsert) throw new MongoServerError({ message: 'taken', code: 11_000 });
    if (!matches && !upsert) return null;
    this.lease = { ...lease, ...$set };
    return this.lease;
  }

  async updateOne({ owner }: LeaseFilter, { $set }: { readonly $set: FakeLease }): Promise<void> {
    if (owner === undefined || this.lease?.owner === owner) this.lease = $set;
  }

  async findOne(): Promise<FakeLease | null> {
    return this.lease ?? null;
  }
}
