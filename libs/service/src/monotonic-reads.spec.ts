import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Timestamp, type ClientSession, type ClientSessionOptions, type MongoClient } from 'mongodb';
import { readMonotonically } from './monotonic-reads.js';

const at = (seconds: number): Timestamp => new Timestamp({ t: seconds, i: 1 });

/** As much of a session as there is to see of it. */
class Session extends EventEmitter {
  operationTime: Timestamp | undefined;

  constructor(readonly options: ClientSessionOptions | undefined) {
    super();
  }

  advanceOperationTime(time: Timestamp): void {
    this.operationTime = time;
  }

  /** A question is answered with the state as of then. */
  answered(time: Timestamp): void {
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

  /** A primary tells of itself. */
  beat(electionId: string, opTime: number): void {
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
  it('ask each time for what is as new as the newest answer so far', () => {
    const client = monotonicClient();
    const first = client.begin();
    expect([first.operationTime, first.options]).toEqual([undefined, { causalConsistency: true }]);
    first.answered(at(20));
    expect(client.begin().operationTime).toEqual(at(20));
  });

  it('keep the newest, whatever comes in late', () => {
    const client = monotonicClient();
    const [slow, quick] = [client.begin(), client.begin()];
    quick.answered(at(20));
    slow.answered(at(10));
    expect(client.begin().operationTime).toEqual(at(20));
  });

  it('begin with what a member of the set has told to be durable', () => {
    const client = monotonicClient();
    client.emit('serverHeartbeatSucceeded', { reply: { lastWrite: { majorityOpTime: { ts: at(30) } } } });
    client.emit('serverHeartbeatSucceeded', { reply: { lastWrite: { majorityOpTime: { ts: at(29) } } } });
    client.emit('serverHeartbeatSucceeded', { reply: {} });
    expect(client.begin().operationTime).toEqual(at(30));
  });

  it('begin after an election with what the new primary has written first, confirmed or not', () => {
    const client = monotonicClient();
    client.beat('first', 20);
    expect(client.begin().operationTime).toEqual(at(20));
    // Nobody has to wait for each of its later ones.
    client.beat('first', 30);
    expect(client.begin().operationTime).toEqual(at(20));
    client.beat('second', 40);
    expect(client.begin().operationTime).toEqual(at(40));
  });

  it('wait for the same when they were asked before the election: they are asked of the new primary then', () => {
    const client = monotonicClient();
    client.beat('first', 20);
    const [asked, answered] = [client.begin(), client.begin()];
    answered.answered(at(21));
    client.beat('second', 40);
    expect([asked.operationTime, answered.operationTime]).toEqual([at(40), at(21)]);
  });

  it('do not wait for what a secondary has and nobody has confirmed', () => {
    const client = monotonicClient();
    const lastWrite = { opTime: { ts: at(40) }, majorityOpTime: { ts: at(10) } };
    client.emit('serverHeartbeatSucceeded', { reply: { isWritablePrimary: false, lastWrite } });
    expect(client.begin().operationTime).toEqual(at(10));
  });
});
