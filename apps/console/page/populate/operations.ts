import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { isInProgress, mergeNewest, type Operation } from './operation.js';

/** Operations that are always read, and how many more each `showMore` adds. */
const NEWEST = 6;
const MORE = 20;
const BUSY_MS = 1_000;
const QUIET_MS = 5_000;

interface OperationsPage {
  readonly items: readonly Operation[];
  readonly page: { readonly next?: string };
}

/** Polls the newest operations, every second while one is in progress and otherwise every five seconds. */
export class Operations extends EventTarget {
  /** Newest first; `null`: unknown. */
  newest: readonly Operation[] | null = null;
  /** Why the operations are unknown; `null` before the first answer. */
  reason: string | null = null;
  /** Whether there are more than `newest` has. */
  hasMore = false;
  private shown = NEWEST;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;

  constructor(private readonly client: Client) {
    super();
  }

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    void this.poll();
  }

  stop(): void {
    this.isRunning = false;
    clearTimeout(this.timer);
  }

  /** Polls at once, after an operation was started or ended. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    await this.poll();
  }

  /** Loads older operations. @throws ApiProblem */
  async showMore(): Promise<void> {
    const last = this.newest?.at(-1);
    if (this.newest === null || last === undefined) return;
    const { items, page } = await this.read(`before=${last.id}&pageSize=${MORE}`);
    this.newest = [...this.newest, ...items];
    this.shown = this.newest.length;
    this.hasMore = page.next !== undefined;
    this.changed();
  }

  private async read(query: string): Promise<OperationsPage> {
    return this.client.get<OperationsPage>(`/v1/operations?${query}`);
  }

  private async poll(): Promise<void> {
    try {
      const { items, page } = await this.read(`pageSize=${NEWEST}`);
      const refreshed = await this.readOlder(items);
      const known = (this.newest ?? []).map((operation) => refreshed.get(operation.id) ?? operation);
      const merged = mergeNewest(known, items);
      // New operations push the oldest ones out, so that the list does not grow by itself.
      this.hasMore =
        merged.length > this.shown || (merged.length === items.length ? page.next !== undefined : this.hasMore);
      this.newest = merged.slice(0, Math.max(this.shown, NEWEST));
      this.reason = null;
    } catch (error) {
      this.newest = null;
      this.reason = messageOf(error);
    }
    this.changed();
    clearTimeout(this.timer);
    const isBusy = this.newest?.some((operation) => isInProgress(operation)) === true;
    // A tab in the background polls slowly.
    const isSeen = document.visibilityState === 'visible';
    if (this.isRunning) this.timer = setTimeout(() => void this.poll(), isBusy && isSeen ? BUSY_MS : QUIET_MS);
  }

  /** Reads the shown operations that are not on the newest page again, as far as they are in progress. */
  private async readOlder(page: readonly Operation[]): Promise<ReadonlyMap<string, Operation>> {
    const stale = (this.newest ?? []).filter(
      (operation) => isInProgress(operation) && !page.some(({ id }) => id === operation.id),
    );
    const read = await Promise.all(stale.map(async ({ id }) => this.client.get<Operation>(`/v1/operations/${id}`)));
    return new Map(read.map((operation) => [operation.id, operation]));
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}
