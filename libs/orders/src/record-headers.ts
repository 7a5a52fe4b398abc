/** Which order of which operation a record carries. */
export interface RecordOrigin {
  readonly operationId: string;
  readonly index: number;
}

const OPERATION_ID = 'operation-id';
const INDEX = 'index';

/** The headers that every record of an operation carries; they survive into the dead letters. */
export function originHeaders(origin: RecordOrigin): Record<string, string> {
  return { [OPERATION_ID]: origin.operationId, [INDEX]: String(origin.index) };
}

/** Reads them back; `undefined` for a record that no operation made (a foreign producer may write to the topic). */
export function readOrigin(headers: Readonly<Record<string, Buffer | undefined>>): RecordOrigin | undefined {
  const operationId = headers[OPERATION_ID]?.toString();
  const index = Number(headers[INDEX]?.toString());
  if (operationId === undefined || !/^[0-9a-f-]{36}$/.test(operationId)) return undefined;
  return Number.isSafeInteger(index) && index >= 0 ? { operationId, index } : undefined;
}
