import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Timestamp, type ClientSession, type ClientSessionOptions, type MongoClient } from 'mongodb';
import { readMonotonically } from './monotonic-reads.js';

const at = (seconds: number): Timestamp => new Timestamp({ t: seconds, i: 1 });

/** The used part of a driver session. */
class Session extends EventEmitter {
  operationTime: Timestamp | undefined;

  constructor(readonly options: ClientSessionOptions | undefined) {
    super();
  }

  advanceOperationTime(time: Timestamp): void {
    this.operationTime = time;
  }

  /** Simulates a response with the state as of `time`. */
  respond(time: Timestamp): void {
    this.operationTime = time;
    this.emit('ended');
  }
}

class Client extends EventEmitter {
  startSession(options?: ClientSessionOptions): ClientSession {
    return new Session(options) as unknown as ClientSession;
  }

  begin(): Session {
    return this.startSession({}) as unknown as Session;
  }

  /** Simulates a heartbeat of a primary. */
  heartbeat(electionId: string, opTime: number): void {
    const lastWrite = { opTime: { ts: at(opTime) }, majorityOpTime: { ts: at(10) } };
    this.emit('serverHeartbeatSucceeded', { reply: { isWritablePrimary: true, electionId, lastWrite } });
  }
}

function monotonicClient(): Client {
  const client = new Client();
  readMonotonically(client as unknown as MongoClient);
  return client;
}

describe('monotonic reads', () => {
  it('require a state at least as new as the newest response so far', () => {
    const client = monotonicClient();
    const first = client.begin();
    expect([first.operationTime, first.options]).toEqual([undefined, { causalConsistency: true }]);
    first.respond(at(20));
    expect(client.begin().operationTime).toEqual(at(20));
  });

  it('do not wait for what a session without causal consistency has received, such as the answer to a ping', () => {
    const client = monotonicClient();
    client.begin().respond(at(20));
    const ping = client.startSession({ causalConsistency: false }) as unknown as Session;
    expect([ping.operationTime, ping.options]).toEqual([undefined, { causalConsistency: false }]);
    ping.respond(at(30));
    expect(client.begin().operationTime).toEqual(at(20));
  });

  it('keep the newest time if an older response arrives late', () => {
    const client = monotonicClient();
    const [slow, quick] = [client.begin(), client.begin()];
    quick.respond(at(20));
    slow.respond(at(10));
    expect(client.begin().operationTime).toEqual(at(20));
  });

  it('start with the newest majority-committed time of any member', () => {
    const client = monotonicClient();
    client.emit('serverHeartbeatSucceeded', { reply: { lastWrite: { majorityOpTime: { ts: at(30) } } } });
    client.emit('serverHeartbeatSucceeded', { reply: { lastWrite: { majorityOpTime: { ts: at(29) } } } });
    client.emit('serverHeartbeatSucceeded', { reply: {} });
    expect(client.begin().operationTime).toEqual(at(30));
  });

  it('require the first write of a new primary after an election, committed or not', () => {
    const client = monotonicClient();
    client.heartbeat('first', 20);
    expect(client.begin().operationTime).toEqual(at(20));
    // Reads do not wait for later writes of the same primary.
    client.heartbeat('first', 30);
    expect(client.begin().operationTime).toEqual(at(20));
    client.heartbeat('second', 40);
    expect(client.begin().operationTime).toEqual(at(40));
  });

  it('require it also for reads that began before the election, since the driver retries them on the new primary', () => {
    const client = monotonicClient();
    client.heartbeat('first', 20);
    const [pending, ended] = [client.begin(), client.begin()];
    ended.respond(at(21));
    client.heartbeat('second', 40);
    expect([pending.operationTime, ended.operationTime]).toEqual([at(40), at(21)]);
  });

  it('do not require uncommitted writes of a secondary', () => {
    const client = monotonicClient();
    const lastWrite = { opTime: { ts: at(40) }, majorityOpTime: { ts: at(10) } };
    client.emit('serverHeartbeatSucceeded', { reply: { isWritablePrimary: false, lastWrite } });
    expect(client.begin().operationTime).toEqual(at(10));
  });
});
