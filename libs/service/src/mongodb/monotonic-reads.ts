import type { ClientSession, MongoClient, Timestamp } from 'mongodb';

interface OpTime {
  readonly ts?: Timestamp;
}
interface Heartbeat {
  readonly isWritablePrimary?: boolean;
  /** Sent by primaries only; each election has a new id. */
  readonly electionId?: { toString(): string };
  readonly lastWrite?: { readonly opTime?: OpTime; readonly majorityOpTime?: OpTime };
}

/**
 * Makes the reads of this client monotonic: no read returns an older state than an earlier read, or than what was
 * majority-committed before the current primary was elected. A majority read alone does not guarantee this. A member that
 * restarted shortly before it became primary reads the majority state of its last checkpoint, up to a minute old, until its
 * first write is committed. Orders that clients have seen would be missing for some seconds.
 *
 * - Each read carries the time of the newest response so far (`afterClusterTime`), as in a causally consistent session. The
 *   driver offers that only within one session.
 * - Each read also carries the time of the first write of a new primary, which it makes before it reports itself as primary.
 *   Reads that wait for a primary, or are retried, carry it too. Once this write is committed, all earlier ones are (Raft's
 *   leader completeness; section 8 of the Raft paper has the same rule for reads).
 * - A member that has not reached the time waits, at most for the time limit of the read.
 *
 * A session with `causalConsistency: false` takes no part: for commands that read nothing.
 *
 * This costs nothing while the primary does not change. Not guaranteed: seeing the writes of a new primary before this client
 * has received its first heartbeat.
 * @param client should write little: its reads wait until its own latest writes are committed
 */
export function readMonotonically(client: Pick<MongoClient, 'on' | 'startSession'>): void {
  let newest: Timestamp | undefined;
  const note = (time: Timestamp | undefined): void => {
    if (time !== undefined && (newest === undefined || time.greaterThan(newest))) newest = time;
  };
  let elected: string | undefined;
  const open = new Set<ClientSession>();
  client.on('serverHeartbeatSucceeded', ({ reply }) => {
    const { isWritablePrimary, electionId, lastWrite } = reply as Heartbeat;
    note(lastWrite?.majorityOpTime?.ts);
    if (isWritablePrimary !== true || String(electionId) === elected) return;
    elected = String(electionId);
    note(lastWrite?.opTime?.ts);
    // The driver sends waiting and failed reads to the new primary.
    if (newest !== undefined) for (const session of open) session.advanceOperationTime(newest);
  });
  const startSession = client.startSession.bind(client);
  // The driver starts a session for each read that has none.
  client.startSession = (options) => {
    // A ping is answered with the time of the latest write, committed or not, and all later reads would wait for its commit.
    if (options?.causalConsistency === false) return startSession(options);
    const session = startSession({ ...options, causalConsistency: true });
    if (newest !== undefined) session.advanceOperationTime(newest);
    open.add(session);
    session.once('ended', () => {
      open.delete(session);
      note(session.operationTime);
    });
    return session;
  };
}
