import type { Broker, BrokerFailure } from '../broker/broker.js';
import type { ContractTopic } from './contract-kafka.js';
import { RecordingListener, type Behaviour } from './recording-listener.js';

export interface Started {
  readonly broker: Broker;
  readonly listener: RecordingListener;
}

/** Starts a member that reads all its assigned partitions. */
export async function startMember(topic: ContractTopic, behaviour: Behaviour = {}): Promise<Started> {
  const broker = topic.member();
  const listener = new RecordingListener(broker, behaviour);
  await broker.start(listener);
  return { broker, listener };
}

/** Starts a member and waits until it is in the group; the spec does the reading. */
export async function joinGroup(topic: ContractTopic): Promise<Started> {
  const broker = topic.member();
  const listener = new RecordingListener(broker, { reads: false });
  await broker.start(listener);
  await listener.until(() => listener.assignment !== undefined);
  return { broker, listener };
}

const POLL_MS = 20;

/** Waits until the health of a broker has a failure, and returns it. */
export async function failureOf(broker: Broker, kind: 'fetchFailure' | 'publishFailures'): Promise<BrokerFailure> {
  for (;;) {
    const [failure] = [broker.health[kind]].flat();
    if (failure !== undefined) return failure;
    await new Promise((resolve) => void setTimeout(resolve, POLL_MS));
  }
}
