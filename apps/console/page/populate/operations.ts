import type { Operation, OperationPage } from '#api/producer.js';
import { plural } from '../figures.js';
import { messageOf, type Client } from '../client.js';
import { Polling } from '../polling.js';

/** How a state is coloured: `good` needs no attention, `warn` perhaps, `bad` does. */
type Tone = 'busy' | 'good' | 'warn' | 'bad';

interface State {
  readonly text: string;
  readonly tone: Tone;
}

const TONES: Readonly<Record<Operation['state']['code'], Tone>> = {
  reading: 'busy',
  receiving: 'busy',
  sending: 'busy',
  paused: 'warn',
  saving: 'busy',
  allSaved: 'good',
  partlySaved: 'warn',
  noneSaved: 'bad',
  nothingSent: 'good',
  failed: 'bad',
};

/** Returns whether the operation or the saving of its orders is still in progress. */
export function isInProgress({ status, state }: Operation): boolean {
  return status === 'running' || status === 'paused' || state.code === 'saving';
}

/** Counts the orders that will soon be in Kafka: those of running operations, except at a requested rate. @param operations `null`: unknown */
export function unsentOrders(operations: readonly Operation[] | null): number {
  const running = operations?.filter(
    ({ status, interruption, requestedRatePerSecond: rate }) =>
      status === 'running' && interruption === null && rate === null,
  );
  return running?.reduce((sum, { count, acked }) => sum + Math.max(0, (count ?? 0) - acked), 0) ?? 0;
}

/** Returns the state to show, with the producer's words. An operation is never shown as done while its orders are being saved. */
export function stateOf({ status, interruption, state }: Operation): State {
  if (interruption !== null) return { text: interruption === 'pause' ? 'pausing' : 'cancelling', tone: 'warn' };
  return { text: state.text, tone: status === 'cancelled' ? 'warn' : TONES[state.code] };
}

/**
 * Describes the dead letters that an operation does not count, because they are of records beyond its orders: the list of dead letters has
 * them too. `undefined`: there are none.
 */
export function extraLettersText({ ackedFaults }: Pick<Operation, 'ackedFaults'>): string | undefined {
  const conflicts = ackedFaults?.conflict ?? 0;
  if (conflicts === 0) return undefined;
  const records = conflicts === 1 ? 'a conflict record' : 'conflict records';
  return `${plural(conflicts, 'more dead letter')}, of ${records} beyond the orders`;
}

/** Seconds from the start until all records were in Kafka, or until `now` while it runs. `null` before the start. */
export function sendingSeconds({ startedAt, finishedAt }: Operation, now: number): number | null {
  if (startedAt === null) return null;
  return Math.max(0, (finishedAt === null ? now : Date.parse(finishedAt)) - Date.parse(startedAt)) / 1_000;
}

/**
 * Merges the newest page into the known items, newest first. Items below the page are kept as they were. When the page does not overlap with
 * the known ones, older ones could be missing between them, so the known ones are dropped.
 */
export function mergeNewest<Item extends { readonly id: string }>(
  known: readonly Item[],
  page: readonly Item[],
): readonly Item[] {
  const last = page.at(-1);
  // Ids are UUIDv7: they sort by the time of creation.
  const isJoined = last !== undefined && known.some(({ id }) => page.some((each) => each.id === id));
  return isJoined ? [...page, ...known.filter(({ id }) => id < last.id)] : page;
}

/** Names the time from the start to the end of an operation. An intake is open for as long as requests may come. */
export function timeWord({ kind, status }: Pick<Operation, 'kind' | 'status'>): string {
  if (kind === 'intake') return 'open for';
  return status === 'cancelled' || status === 'failed' ? 'ended after' : 'sent in';
}

/** Operations that are always read, and how many more each `showMore` adds. */
const NEWEST = 6;
const MORE = 20;
const BUSY_MS = 1_000;
const QUIET_MS = 5_000;

/** The newest operations. Polls them every second while one is in progress, and otherwise every five seconds. Emits `change`. */
export class Operations extends EventTarget {
  /** Newest first; `null`: unknown. */
  newest: readonly Operation[] | null = null;
  /** Why the operations are unknown; `null` before the first answer. */
  reason: string | null = null;
  /** Whether there are more than `newest` has. */
  hasMore = false;
  private shown = NEWEST;
  readonly polling = new Polling({
    read: async () => this.readNewest(),
    show: ({ items, page, refreshed }) => {
      const known = (this.newest ?? []).map((operation) => refreshed.get(operation.id) ?? operation);
      const merged = mergeNewest(known, items);
      // New operations push the oldest ones out, so that the list does not grow by itself.
      this.hasMore =
        merged.length > this.shown || (merged.length === items.length ? page.next !== undefined : this.hasMore);
      return this.changed(merged.slice(0, Math.max(this.shown, NEWEST)), null);
    },
    fail: (error) => this.changed(null, messageOf(error)),
  });

  constructor(private readonly client: Client) {
    super();
  }

  /** Loads older operations. @throws ApiProblem */
  async showMore(): Promise<void> {
    const last = this.newest?.at(-1);
    if (this.newest === null || last === undefined) return;
    const { items, page } = await this.read(`before=${last.id}&pageSize=${MORE}`);
    const shown = [...this.newest, ...items];
    this.shown = shown.length;
    this.hasMore = page.next !== undefined;
    this.changed(shown, null);
  }

  private async read(query: string): Promise<OperationPage> {
    return this.client.get<OperationPage>(`/v1/operations?${query}`);
  }

  private async readNewest(): Promise<OperationPage & { readonly refreshed: ReadonlyMap<string, Operation> }> {
    const page = await this.read(`pageSize=${NEWEST}`);
    return { ...page, refreshed: await this.readOlder(page.items) };
  }

  /** Reads the shown operations that are not on the newest page again, as far as they are in progress. */
  private async readOlder(page: readonly Operation[]): Promise<ReadonlyMap<string, Operation>> {
    const stale = (this.newest ?? []).filter(
      (operation) => isInProgress(operation) && !page.some(({ id }) => id === operation.id),
    );
    const read = await Promise.all(stale.map(async ({ id }) => this.client.get<Operation>(`/v1/operations/${id}`)));
    return new Map(read.map((operation) => [operation.id, operation]));
  }

  /** @returns the pause before the next poll; a tab in the background polls slowly */
  private changed(newest: readonly Operation[] | null, reason: string | null): number {
    [this.newest, this.reason] = [newest, reason];
    this.dispatchEvent(new Event('change'));
    const isBusy = newest?.some((operation) => isInProgress(operation)) === true;
    return isBusy && document.visibilityState === 'visible' ? BUSY_MS : QUIET_MS;
  }
}
