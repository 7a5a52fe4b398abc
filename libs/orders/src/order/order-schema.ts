/**
 * The Avro schema of the record values on `orders.v1`. Its compatibility is BACKWARD: new fields have defaults and no field
 * changes its type, so that a current consumer can read every record on the topic.
 */
export const ORDER_SCHEMA = {
  type: 'record',
  name: 'Order',
  namespace: 'orders.v1',
  doc: 'One financial order. Append-only.',
  fields: [
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'number', type: 'long', doc: 'Dense, unique, 1 to 2^53 - 1.' },
    { name: 'accountId', type: 'string' },
    { name: 'side', type: { type: 'enum', name: 'Side', symbols: ['buy', 'sell'] } },
    { name: 'symbol', type: 'string' },
    { name: 'quantity', type: 'int' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 18, scale: 4 } },
    {
      name: 'amount',
      type: { type: 'bytes', logicalType: 'decimal', precision: 22, scale: 4 },
      doc: 'Exactly quantity x price.',
    },
    { name: 'currency', type: 'string', doc: 'ISO 4217.' },
    { name: 'createdAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    {
      name: 'legacy',
      type: [
        'null',
        {
          type: 'record',
          name: 'Legacy',
          fields: [
            { name: 'number', type: 'long' },
            { name: 'filled', type: { type: 'array', items: 'string' }, doc: 'The fields that the import made up.' },
          ],
        },
      ],
      default: null,
    },
  ],
} as const;
