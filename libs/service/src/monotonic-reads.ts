import type { MongoClient, Timestamp } from 'mongodb';

interface Heartbeat {
  readonly lastWrite?: { readonly majorityOpTime?: { readonly ts?: Timestamp } };
}

/**
 * Lets no read of this client go back behind an earlier one, nor behind what any member of the set has told to be durable: a majority read alone
 * may. A member that has just become primary, started anew shortly before, answers from the majority's state at its last checkpoint, up to a
 * minute ago, until its first write is confirmed: orders that were shown for long would be gone for some seconds.
 *
 * Each question carries the time of the newest answer so far (`afterClusterTime`), as in a causally consistent session, which the driver offers
 * for one session after another only. A member that is not there yet waits, for as long as the question may take. Costs nothing as long as no
 * primary changes. Not guaranteed: to see what another process has read or written since the last heartbeat, two seconds ago at the most.
 * @param client does not write much: its reads would wait until what it has just written is durable
 */
export function readMonotonically(client: Pick<MongoClient, 'on' | 'startSession'>): void {
  let newest: Timestamp | undefined;
  const note = (time: Timestamp | undefined): void => {
    if (time !== undefined && (newest === undefined || time.greaterThan(newest))) newest = time;
  };
  client.on('serverHeartbeatSucceeded', ({ reply }) => note((reply as Heartbeat).lastWrite?.majorityOpTime?.ts));
  const startSession = client.startSession.bind(client);
  // The driver begins one for each question that is given none.
  client.startSession = (options) => {
    const session = startSession({ ...options, causalConsistency: true });
    if (newest !== undefined) session.advanceOperationTime(newest);
    session.once('ended', () => note(session.operationTime));
    return session;
  };
}
