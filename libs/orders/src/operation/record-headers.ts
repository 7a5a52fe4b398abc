import { FAULTS, type Fault } from '../generator/fault-mix.js';

/** The operation and order index of a record. */
export interface RecordOrigin {
  readonly operationId: string;
  readonly index: number;
  /** The injected fault; absent for a valid record. */
  readonly fault?: Fault;
  /** The intake assigned the order's `createdAt`. Absent if the client gave it, and for other kinds. */
  readonly createdAtAssigned?: true;
}

const OPERATION_ID = 'operation-id';
const INDEX = 'index';
const FAULT = 'fault';
const CREATED_AT_ASSIGNED = 'created-at-assigned';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Creates the headers that every record of an operation carries; its dead letter keeps them. */
export function originHeaders({ operationId, index, fault, createdAtAssigned }: RecordOrigin): Record<string, string> {
  const headers = { [OPERATION_ID]: operationId, [INDEX]: String(index) };
  if (createdAtAssigned) return { ...headers, [CREATED_AT_ASSIGNED]: '1' };
  return fault === undefined ? headers : { ...headers, [FAULT]: fault };
}

type Headers = Readonly<Record<string, Buffer | undefined>>;

/** Reads the origin from the headers; `undefined` for a record without an operation, such as one from a foreign producer. */
export function readOrigin(headers: Headers): RecordOrigin | undefined {
  const operationId = readOperationId(headers);
  const index = Number(headers[INDEX]?.toString());
  if (operationId === undefined || !Number.isSafeInteger(index) || index < 0) return undefined;
  const text = headers[FAULT]?.toString();
  const fault = FAULTS.find((each) => each === text);
  return { operationId, index, ...(fault !== undefined && { fault }) };
}

/** Whether the intake assigned the `createdAt` of the record's order. */
export function isCreatedAtAssigned(headers: Headers): boolean {
  return headers[CREATED_AT_ASSIGNED] !== undefined;
}

let lastRead: { readonly bytes: Buffer; readonly operationId: string | undefined } | undefined;

/** Reads the operation id alone. Consecutive records nearly always have the same one, so it is decoded and validated once. */
export function readOperationId(headers: Headers): string | undefined {
  const bytes = headers[OPERATION_ID];
  if (bytes === undefined) return undefined;
  if (lastRead === undefined || !lastRead.bytes.equals(bytes)) {
    const text = bytes.toString();
    // A copy, because the header's bytes would keep the whole fetch response alive.
    lastRead = { bytes: Buffer.from(bytes), operationId: UUID.test(text) ? text : undefined };
  }
  return lastRead.operationId;
}
