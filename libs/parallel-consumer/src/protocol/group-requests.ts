import type { KafkaApi } from './kafka-api.js';
import { throwOnError } from './kafka-error.js';

/** Identifies the member that sends a request, and its generation. */
export interface GroupMembership {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
}

/** Static membership (KIP-345) is not used. */
const NO_INSTANCE = undefined;

/** Returns the node that coordinates the group. */
export const FIND_COORDINATOR: KafkaApi<string, number> = {
  name: 'FindCoordinator',
  key: 10,
  version: 3,
  encode: (writer, groupId) => {
    const groupKeyType = 0;
    writer.compactString(groupId).int8(groupKeyType).noTags();
  },
  decode: (reader) => {
    reader.int32();
    throwOnError(reader.int16(), 'FindCoordinator');
    reader.compactString();
    return reader.int32();
  },
};

export interface JoinRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty for a member that has no id yet. */
  readonly memberId: string;
  readonly protocols: readonly string[];
  /** Sent with each protocol. */
  readonly subscription: Buffer;
}

export interface JoinResponse {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocol: string;
  readonly leaderId: string;
  readonly memberId: string;
  /** All members and their subscriptions; only the leader gets them. */
  readonly members: readonly { readonly memberId: string; readonly subscription: Buffer }[];
}

/** Responds once all members have joined or the rebalance timed out. `MEMBER_ID_REQUIRED` carries the id for a new member. */
export const JOIN_GROUP: KafkaApi<JoinRequest, JoinResponse> = {
  name: 'JoinGroup',
  key: 11,
  version: 6,
  waitMs: ({ rebalanceTimeoutMs }) => rebalanceTimeoutMs,
  encode: (writer, { groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId, protocols, subscription }) => {
    writer.compactString(groupId).int32(sessionTimeoutMs).int32(rebalanceTimeoutMs).compactString(memberId);
    writer.compactString(NO_INSTANCE).compactString('consumer');
    writer.compactArray(protocols, (name) => writer.compactString(name).compactBytes(subscription).noTags());
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    const errorCode = reader.int16();
    const generationId = reader.int32();
    const [protocol = '', leaderId = '', memberId = ''] = [
      reader.compactString(),
      reader.compactString(),
      reader.compactString(),
    ];
    const members = reader.compactArray(() => {
      const id = reader.compactString() ?? '';
      reader.compactString();
      const subscription = reader.compactBytes() ?? Buffer.alloc(0);
      reader.tags();
      return { memberId: id, subscription };
    });
    return { errorCode, generationId, protocol, leaderId, memberId, members };
  },
};

export interface SyncRequest extends GroupMembership {
  /** Only the leader sends assignments. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

/** Returns this member's encoded assignment. */
export const SYNC_GROUP: KafkaApi<SyncRequest & { readonly rebalanceTimeoutMs: number }, Buffer> = {
  name: 'SyncGroup',
  key: 14,
  version: 4,
  waitMs: ({ rebalanceTimeoutMs }) => rebalanceTimeoutMs,
  encode: (writer, { groupId, generationId, memberId, assignments }) => {
    writer.compactString(groupId).int32(generationId).compactString(memberId).compactString(NO_INSTANCE);
    writer.compactArray([...assignments], ([id, assignment]) =>
      writer.compactString(id).compactBytes(assignment).noTags(),
    );
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    throwOnError(reader.int16(), 'SyncGroup');
    return reader.compactBytes() ?? Buffer.alloc(0);
  },
};

export const HEARTBEAT: KafkaApi<GroupMembership, void> = {
  name: 'Heartbeat',
  key: 12,
  version: 4,
  encode: (writer, { groupId, generationId, memberId }) => {
    writer.compactString(groupId).int32(generationId).compactString(memberId).compactString(NO_INSTANCE).noTags();
  },
  decode: (reader) => {
    reader.int32();
    throwOnError(reader.int16(), 'Heartbeat');
  },
};

export const LEAVE_GROUP: KafkaApi<Pick<GroupMembership, 'groupId' | 'memberId'>, void> = {
  name: 'LeaveGroup',
  key: 13,
  version: 4,
  encode: (writer, { groupId, memberId }) => {
    writer.compactString(groupId);
    writer.compactArray([memberId], (id) => writer.compactString(id).compactString(NO_INSTANCE).noTags());
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    throwOnError(reader.int16(), 'LeaveGroup');
  },
};
