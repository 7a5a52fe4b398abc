import type { DecisionItem, DecisionPage } from '../../src/autoscaling/autoscaling-response.js';
import type { Client } from '../api/client.js';

const FIRST = '/v1/pipeline/autoscaling/decisions?pageSize=5';

/** The decisions that the page shows: the newest ones, and older ones on request. */
export class AutoscalingDecisions {
  /** Newest first; `null`: not loaded yet. */
  items: readonly DecisionItem[] | null = null;
  private next: string | undefined;
  /** The newest decision that the console has reported, by its id; `undefined`: nothing was loaded. */
  private loadedFor: string | null | undefined;

  constructor(private readonly client: Client) {}

  get hasMore(): boolean {
    return this.next !== undefined;
  }

  /** Returns whether the console has decided since the decisions were loaded. */
  isBehind(newestId: string | null): boolean {
    return this.loadedFor !== newestId;
  }

  /** Loads the newest, and keeps older ones that were shown. @throws ApiProblem */
  async refresh(newestId: string | null): Promise<void> {
    this.loadedFor = newestId;
    const { items, page } = await this.client.get<DecisionPage>(FIRST);
    const shown = this.items ?? [];
    const oldest = items.at(-1)?.id ?? '';
    const isJoined = shown.some(({ id }) => items.some((each) => each.id === id));
    if (!isJoined) this.next = page.next;
    this.items = isJoined ? [...items, ...shown.filter(({ id }) => id < oldest)] : items;
  }

  /** Loads the next page. @throws ApiProblem */
  async showMore(): Promise<void> {
    if (this.next === undefined) return;
    const { items, page } = await this.client.get<DecisionPage>(this.next);
    this.items = [...(this.items ?? []), ...items];
    this.next = page.next;
  }
}
