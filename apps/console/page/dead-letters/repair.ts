const NEW_RECORD = 'A redrive would fail again: the sender must send a new record. Then discard the old one.';

/** What repairs the cause of each error before a redrive. The same list is in docs/http-api.md. */
const REPAIRS: Readonly<Record<string, string>> = {
  'unknown-schema': 'Register the schema under its id, then redrive.',
  'schema-is-no-order': 'Deploy a version that can read the schema, then redrive.',
  oversized: 'Raise MAX_ORDER_BYTES, then redrive.',
  'refused-by-database': 'Change the rule that the message names, then redrive.',
  'attempt-abandoned': 'Find what hung, then redrive.',
  conflict:
    'A redrive would fail again: no saved order is overwritten. Compare the record with the saved order, then discard it.',
  'empty-value': NEW_RECORD,
  'not-wire-format': NEW_RECORD,
  'malformed-avro': NEW_RECORD,
  'invalid-order': NEW_RECORD,
};

export function repairOf(errorCode: string): string {
  return REPAIRS[errorCode] ?? 'Fix the cause, then redrive.';
}
