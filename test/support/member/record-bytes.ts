/** The content of a record in base64; null stays null. */
export interface RecordBytes {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string | null>>;
}

interface RecordContent {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null | undefined>>;
}

/** Encodes a record's bytes for a message between processes. */
export function toRecordBytes({ key, value, headers }: RecordContent): RecordBytes {
  const named = Object.entries(headers).map(([name, header]) => [name, toBase64(header)]);
  return { key: toBase64(key), value: toBase64(value), headers: Object.fromEntries(named) };
}

function toBase64(bytes: Buffer | null | undefined): string | null {
  return bytes?.toString('base64') ?? null;
}
