import { encodeAssignment } from '../../protocol/consumer-protocol.js';
import { FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from '../../protocol/group-requests.js';
import { KafkaError } from '../../protocol/kafka-error.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { GroupMember } from '../group-member.js';
import { ScriptedConnections } from './scripted-connections.js';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
export const error = (code: string) => () => new KafkaError(code, 'spec');
/** Answers as a coordinator that lets a member join. */
export const joinedAs =
  (generationId: number, memberId = 'm') =>
  () => ({
    errorCode: 0,
    generationId,
    protocol: 'sticky',
    leaderId: 'another',
    memberId,
    members: [],
  });
const MEMBER_ID_REQUIRED = 79;
export const idRequired = () => ({ ...joinedAs(-1)(), errorCode: MEMBER_ID_REQUIRED });
export const assignment = () => encodeAssignment({ orders: [0, 1] });
export const ok = () => undefined;
export const unreachable = () => new Error('no broker');

/** A clock whose process can be paused: the time goes on meanwhile, and no timer runs. */
export class PausableClock extends ManualClock {
  private pausedMs = 0;

  override now(): number {
    return super.now() + this.pausedMs;
  }

  pauseFor(milliseconds: number): void {
    this.pausedMs += milliseconds;
  }
}

/** Creates a member whose coordinator responds as scripted; by default, every request succeeds. */
export function createMember(
  rebalancing: () => Promise<void> = async () => undefined,
  surrender?: () => Promise<boolean>,
) {
  const clock = new PausableClock();
  let joinConnections = 0;
  const calls: unknown[] = [];
  const connections = new ScriptedConnections()
    .answer(FIND_COORDINATOR, () => 1)
    .answer(JOIN_GROUP, joinedAs(5))
    .answer(SYNC_GROUP, assignment)
    .answer(HEARTBEAT, ok)
    .answer(LEAVE_GROUP, ok);
  const member = new GroupMember(
    {
      usual: connections,
      connectForJoins: () => {
        joinConnections += 1;
        return connections;
      },
    },
    {
      groupId: 'savers',
      topics: ['orders'],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 20_000,
      heartbeatIntervalMs: 1_000,
      rebalancing: surrender === undefined ? 'eager' : 'cooperative',
      assignor: { names: ['sticky'], userData: () => Buffer.alloc(0), assign: async () => new Map() },
      logger: quiet,
      clock,
    },
    {
      assigned: (_partitions, kept) => calls.push(['assigned', kept]),
      rebalancing: async () => {
        calls.push('rebalancing');
        await rebalancing();
      },
      surrender: async () => {
        calls.push('surrender');
        return surrender === undefined ? false : surrender();
      },
      lost: () => calls.push('lost'),
    },
  );
  return { member, connections, clock, calls, joinConnections: () => joinConnections };
}
