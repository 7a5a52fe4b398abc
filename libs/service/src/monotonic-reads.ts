import type { ClientSession, MongoClient, Timestamp } from 'mongodb';

interface OpTime {
  readonly ts?: Timestamp;
}
interface Heartbeat {
  readonly isWritablePrimary?: boolean;
  /** Of a primary: another one for each election. */
  readonly electionId?: { toString(): string };
  readonly lastWrite?: { readonly opTime?: OpTime; readonly majorityOpTime?: OpTime };
}

/**
 * Lets no read of this client go back behind an earlier one, nor behind what was durable before the primary was elected that it asks: a majority
 * read alone may. A member that has just become primary, started anew shortly before, answers from the majority's state at its last checkpoint, up
 * to a minute ago, until its first write is confirmed: orders that were shown for long would be gone for some seconds.
 *
 * Each question carries the time of the newest answer so far (`afterClusterTime`), as in a causally consistent session, which the driver offers
 * for one session after another only. And the time of the first write of each new primary, which it makes before it says that it is one; questions that
 * wait for a primary meanwhile, or are sent once more, carry it too. Once that is confirmed so is all that was before it (Raft's leader completeness;
 * section 8 of its paper has the same rule for reads). A member that is not there yet waits, for as long as the question may take. Costs nothing as long
 * as no primary changes. Not guaranteed: to see what a new primary has taken while this client still takes the old one for it, which ends with the
 * first word of the new one.
 * @param client does not write much: its reads would wait until what it has just written is durable
 */
export function readMonotonically(client: Pick<MongoClient, 'on' | 'startSession'>): void {
  let newest: Timestamp | undefined;
  const note = (time: Timestamp | undefined): void => {
    if (time !== undefined && (newest === undefined || time.greaterThan(newest))) newest = time;
  };
  let elected: string | undefined;
  const asking = new Set<ClientSession>();
  client.on('serverHeartbeatSucceeded', ({ reply }) => {
    const { isWritablePrimary, electionId, lastWrite } = reply as Heartbeat;
    note(lastWrite?.majorityOpTime?.ts);
    if (isWritablePrimary !== true || String(electionId) === elected) return;
    elected = String(electionId);
    note(lastWrite?.opTime?.ts);
    // Questions that wait for a primary, or that the old one has left without an answer, go to this one now.
    if (newest !== undefined) for (const session of asking) session.advanceOperationTime(newest);
  });
  const startSession = client.startSession.bind(client);
  // The driver begins one for each question that is given none.
  client.startSession = (options) => {
    const session = startSession({ ...options, causalConsistency: true });
    if (newest !== undefined) session.advanceOperationTime(newest);
    asking.add(session);
    session.once('ended', () => {
      asking.delete(session);
      note(session.operationTime);
    });
    return session;
  };
}
