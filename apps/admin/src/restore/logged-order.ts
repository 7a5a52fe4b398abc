import { UndecodableOrderError, type OrderCodec } from '#orders/order/order-codec.js';
import { contentHash } from '#orders/order/order-content.js';
import type { Order } from '#orders/order/order.js';
import { isCreatedAtAssigned, readOrigin } from '#orders/operation/record-headers.js';
import { readRedrive } from '#orders/dead-letter/dead-letters.js';
import type { ConsumedRecord } from '@orders-pipeline/parallel-consumer';

/** What a record of the orders topic says about itself. */
export interface LoggedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  /** `undefined`: no producer of the pipeline has sent it. */
  readonly origin: { readonly operationId: string; readonly index: number } | undefined;
  /** The dead letter that it sends again. */
  readonly redriveOf: string | undefined;
  /** `undefined`: it can't be decoded. */
  readonly number: number | undefined;
  readonly legacy: { readonly number: number; readonly id: string } | undefined;
  /** The order that it adds: `undefined` if it is no valid order, an extra record of an injected fault, or a redrive. */
  readonly order: LoggedOrder | undefined;
  readonly accountKey: string | undefined;
}

/** A valid order in the log, as an intake's batch keeps it. */
export interface LoggedOrder {
  readonly id: string;
  readonly number: number;
  /** The hash of its content, in hexadecimal digits. */
  readonly hash: string;
  readonly createdAt: Date;
  readonly createdAtAssigned: boolean;
}

/** Decodes records of the orders topic as a consumer does. */
export class LoggedOrders {
  constructor(private readonly codec: Pick<OrderCodec, 'learn' | 'read' | 'decode'>) {}

  /** @throws the registry's error when it is unavailable */
  async read(record: ConsumedRecord): Promise<LoggedRecord> {
    const { partition, offset, timestamp, key, value, headers } = record;
    const origin = readOrigin(headers);
    const redriveOf = readRedrive(headers)?.letterId;
    const found = await this.orderIn(value);
    const isExtra = origin?.fault === 'duplicate' || origin?.fault === 'conflict';
    const adds = found?.isValid === true && origin !== undefined && redriveOf === undefined && !isExtra;
    return {
      partition,
      offset,
      timestamp,
      origin: origin && { operationId: origin.operationId, index: origin.index },
      redriveOf,
      number: found?.order.number,
      legacy: found?.order.legacy && { number: found.order.legacy.number, id: found.order.id },
      order: adds ? toLoggedOrder(found.order, isCreatedAtAssigned(headers)) : undefined,
      accountKey: key?.toString(),
    };
  }

  private async orderIn(
    value: Buffer | null,
  ): Promise<{ readonly order: Order; readonly isValid: boolean } | undefined> {
    try {
      const learning = this.codec.learn(value);
      if (learning !== undefined) await learning;
      return { order: this.codec.decode(value), isValid: true };
    } catch (error) {
      if (!(error instanceof UndecodableOrderError)) throw error;
      // Its number is taken, although no consumer saves it.
      return error.code === 'invalid-order' ? { order: this.codec.read(value), isValid: false } : undefined;
    }
  }
}

function toLoggedOrder(order: Order, createdAtAssigned: boolean): LoggedOrder {
  const { id, number, createdAt } = order;
  return { id, number, hash: contentHash(order), createdAt, createdAtAssigned };
}
