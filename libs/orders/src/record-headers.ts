import { FAULTS, type Fault } from './fault-mix.js';

/** Which order of which operation a record carries. */
export interface RecordOrigin {
  readonly operationId: string;
  readonly index: number;
  /** What is wrong with it on purpose; absent for what is as it should be. */
  readonly fault?: Fault;
}

const OPERATION_ID = 'operation-id';
const INDEX = 'index';
const FAULT = 'fault';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The headers that every record of an operation carries; they survive into the dead letters. */
export function originHeaders({ operationId, index, fault }: RecordOrigin): Record<string, string> {
  const headers = { [OPERATION_ID]: operationId, [INDEX]: String(index) };
  return fault === undefined ? headers : { ...headers, [FAULT]: fault };
}

type Headers = Readonly<Record<string, Buffer | undefined>>;

/** Reads them back; `undefined` for a record that no operation made (a foreign producer may write to the topic). */
export function readOrigin(headers: Headers): RecordOrigin | undefined {
  const operationId = readOperationId(headers);
  const index = Number(headers[INDEX]?.toString());
  if (operationId === undefined || !Number.isSafeInteger(index) || index < 0) return undefined;
  const text = headers[FAULT]?.toString();
  const fault = FAULTS.find((each) => each === text);
  return { operationId, index, ...(fault !== undefined && { fault }) };
}

let lastRead: { readonly bytes: Buffer; readonly operationId: string | undefined } | undefined;

/** The operation alone. Those that come in a row are of one operation nearly always: its text is made and checked once. */
export function readOperationId(headers: Headers): string | undefined {
  const bytes = headers[OPERATION_ID];
  if (bytes === undefined) return undefined;
  if (lastRead === undefined || !lastRead.bytes.equals(bytes)) {
    const text = bytes.toString();
    // A copy: the bytes at hand are part of a whole fetch.
    lastRead = { bytes: Buffer.from(bytes), operationId: UUID.test(text) ? text : undefined };
  }
  return lastRead.operationId;
}
