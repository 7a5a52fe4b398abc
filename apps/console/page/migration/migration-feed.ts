import { ApiProblem, isNotFound, messageOf, type Client } from '../client.js';
import { Polling } from '../polling.js';
import type { Audit, AuditEntry, Backfill, Migration, PendingIntents, Verification } from '#api/facade.js';

const POLL_MS = 2_000;
/** A tab in the background. */
const HIDDEN_POLL_MS = 10_000;
const AUDIT_ENTRIES = 20;

/** Why there is no current state. `no-facade`: the console has none configured. */
export interface FeedFailure {
  readonly kind: 'no-facade' | 'forbidden' | 'away';
  readonly text: string;
}

/** Polls the state of the migration and what belongs to it, every two seconds. Emits `change`. */
export class MigrationFeed extends EventTarget {
  /** The last known state; `null`: none yet. It is that of now only without a `failure`. */
  state: Migration | null = null;
  /** When the state was received, as an ISO text. */
  receivedAt: string | null = null;
  failure: FeedFailure | null = null;
  pending: PendingIntents | null = null;
  /** `null`: there was none yet; `undefined`: unknown. */
  backfill: Backfill | null | undefined;
  verify: Verification | null | undefined;
  audit: readonly AuditEntry[] = [];
  readonly polling = new Polling({
    read: async () => this.read(),
    show: (answer) => this.polled({ ...answer, receivedAt: new Date().toISOString(), failure: null }),
    fail: (error) => this.polled({ failure: failureOf(error) }),
  });

  /** @param isSeen whether the tab is in the foreground; otherwise it polls slowly */
  constructor(
    private readonly client: Pick<Client, 'get'>,
    private readonly isSeen = (): boolean => document.visibilityState === 'visible',
  ) {
    super();
  }

  /** Stops, and drops what it knows: after a sign-out nothing is shown. */
  forget(): void {
    this.polling.drop();
    [this.state, this.failure] = [null, null];
    this.dispatchEvent(new Event('change'));
  }

  /** Shows a state that came with another answer, unless a newer one is known. */
  take(state: Migration): void {
    if (state.revision < (this.state?.revision ?? 0)) return;
    this.state = state;
    this.receivedAt = new Date().toISOString();
    this.dispatchEvent(new Event('change'));
  }

  private polled(changes: Partial<MigrationFeed>): number {
    Object.assign(this, changes);
    this.dispatchEvent(new Event('change'));
    return this.isSeen() ? POLL_MS : HIDDEN_POLL_MS;
  }

  private async read() {
    const [state, pending, backfill, verify, audit] = await Promise.all([
      this.client.get<Migration>('/v1/migration'),
      this.client.get<PendingIntents>('/v1/migration/pending'),
      this.lastRun<Backfill>('/v1/migration/backfill'),
      this.lastRun<Verification>('/v1/migration/verify'),
      this.client.get<Audit>(`/v1/migration/audit?pageSize=${AUDIT_ENTRIES}`),
    ]);
    return { state, pending, backfill, verify, audit: audit.items };
  }

  private async lastRun<T>(path: string): Promise<T | null> {
    try {
      return await this.client.get<T>(path);
    } catch (error) {
      // The facade's own 404: there was none yet. The console's, without a facade, ends the poll by the first request.
      if (isNotFound(error)) return null;
      throw error;
    }
  }
}

function failureOf(error: unknown): FeedFailure {
  const status = error instanceof ApiProblem ? error.status : 0;
  const kind = status === 404 ? 'no-facade' : status === 403 ? 'forbidden' : 'away';
  // The console answers for a facade that has ended, but not for one that hangs.
  const isHanging = error instanceof ApiProblem && error.code === 'no-answer';
  return {
    kind,
    text: isHanging ? 'There was no answer within 5 s. The facade hangs, or the console.' : messageOf(error),
  };
}
