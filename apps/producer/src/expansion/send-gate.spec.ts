import { describe, expect, it } from '@jest/globals';
import { settle } from '@orders-pipeline/clock/testing';
import { javaCompatiblePartitioner } from '#orders/topics/partitioner.js';
import { SendGate } from './send-gate.js';

function gateWithConnection() {
  const gate = new SendGate(3);
  const reconnecting = Promise.withResolvers<void>();
  let reconnects = 0;
  gate.attach({
    reconnect: async () => {
      reconnects += 1;
      return reconnecting.promise;
    },
  });
  return { gate, reconnecting, reconnects: () => reconnects };
}

describe('the gate of sends', () => {
  it('closes only when all work that has passed is done and the connections are closed', async () => {
    const { gate, reconnecting, reconnects } = gateWithConnection();
    const sending = Promise.withResolvers<void>();
    let aborted = false;
    const passed = gate.pass(async (closing) => {
      closing.addEventListener('abort', () => (aborted = true));
      return sending.promise;
    });
    const closed = gate.close();
    await settle();
    expect({ aborted, isOpen: gate.isOpen, isClosed: gate.isClosed, reconnects: reconnects() }).toEqual({
      aborted: true,
      isOpen: false,
      isClosed: false,
      reconnects: 0,
    });
    sending.resolve();
    await passed;
    await settle();
    expect([gate.isClosed, reconnects()]).toEqual([false, 1]);
    reconnecting.resolve();
    await closed;
    expect(gate.isClosed).toBe(true);
  });

  it('lets work wait until it opens, with the partitions of the topic then', async () => {
    const { gate, reconnecting } = gateWithConnection();
    reconnecting.resolve();
    await gate.close();
    const done: number[] = [];
    const passed = gate.pass(async () => Promise.resolve(void done.push(gate.partitionOf('account-7'))));
    await settle();
    expect(done).toEqual([]);
    gate.open(64);
    await passed;
    expect(gate.partitions).toBe(64);
    expect(done).toEqual([javaCompatiblePartitioner(64)('account-7')]);
  });

  it('closes although work fails, once for several calls', async () => {
    const { gate, reconnecting, reconnects } = gateWithConnection();
    reconnecting.resolve();
    await expect(gate.pass(async () => Promise.reject(new Error('not sent')))).rejects.toThrow('not sent');
    await Promise.all([gate.close(), gate.close()]);
    expect(reconnects()).toBe(1);
  });
});
