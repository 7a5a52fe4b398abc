// Written by `npm run docs:api` from docs/openapi/producer.json.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    AcceptedOrder: {
      /** Format: uuid */
      id: string;
      /** Format: int64 */
      number: number;
    };
    AcceptedOrders: {
      /**
       * Format: uuid
       * @description The operation of the day that these orders belong to.
       */
      operationId: string;
      /** @description In the order of the request. */
      items: components['schemas']['AcceptedOrder'][];
    };
    AlteredOrder: {
      /** Format: int64 */
      index: number;
      /** Format: uuid */
      id: string;
      readonly fields: string[];
    };
    DeadLetter: {
      /**
       * @description Topic, partition and offset of the original record.
       * @example orders.v1/3/4711
       */
      id: string;
      /** @enum {string} */
      state: 'pending' | 'redriving' | 'saved' | 'discarded';
      origin: components['schemas']['RecordOrigin'];
      letter: components['schemas']['RecordPosition'];
      /** @description Null if the record does not come from an operation. */
      operationId: string | null;
      /** @description The index of the order in its operation, from 0. */
      index: number | null;
      /** @description The number of the order; null if its operation is unknown. */
      number: number | null;
      /** @description The deliberate fault of the record. */
      fault: string | null;
      error: components['schemas']['DeadLetterError'];
      /** Format: int64 */
      attempts: number;
      /** Format: date-time */
      deadLetteredAt: string;
      /**
       * Format: int64
       * @description Number of redrives of this letter.
       */
      redrives: number;
      /** @description The redrives of this letter, oldest first. */
      tries: components['schemas']['RedriveTry'][];
      /** @description The original record; null if Kafka no longer has it. */
      record: components['schemas']['OriginalRecord'] | null;
      /** @description Why there is no record: Kafka deleted the letter, or the original record whose value was too large for it. */
      gone: ('letter-gone' | 'value-gone') | null;
      /** @description The decoded order, even if its values are invalid; null if it cannot be decoded. */
      decoded: {
        [key: string]: unknown;
      } | null;
      /** @description Why the record is not a valid order now; null if it is valid. */
      undecodable: components['schemas']['DeadLetterError'] | null;
    };
    /** @description The last error. */
    DeadLetterError: {
      /** @example unknown-schema */
      code: string;
      message: string;
    };
    DeadLetterFilter: {
      id?: string;
      errorCode?: string;
      /** Format: uuid */
      operationId?: string;
    };
    DeadLetterGroup: {
      /** @example unknown-schema */
      errorCode: string;
      /** Format: int64 */
      count: number;
      /**
       * Format: int64
       * @description Number of operations that the orders belong to.
       */
      operations: number;
      /**
       * Format: int64
       * @description Number of letters that were redriven before and were dead-lettered again.
       */
      redriven: number;
      /**
       * Format: date-time
       * @description When the first of them was dead-lettered.
       */
      firstAt: string;
      /**
       * Format: date-time
       * @description When one of them failed last, also when a redrive returned it.
       */
      lastAt: string;
      /** DeadLetterExample */
      example: {
        id: string;
        message: string;
      };
    };
    DeadLetterGroups: {
      /** @enum {string} */
      state: 'pending' | 'redriving' | 'saved' | 'discarded';
      /** Format: int64 */
      total: number;
      items: components['schemas']['DeadLetterGroup'][];
    };
    DeadLetterPage: {
      items: components['schemas']['DeadLetterSummary'][];
      page: components['schemas']['NextPage'];
    };
    DeadLetterSummary: {
      /**
       * @description Topic, partition and offset of the original record.
       * @example orders.v1/3/4711
       */
      id: string;
      /** @enum {string} */
      state: 'pending' | 'redriving' | 'saved' | 'discarded';
      origin: components['schemas']['RecordOrigin'];
      letter: components['schemas']['RecordPosition'];
      /** @description Null if the record does not come from an operation. */
      operationId: string | null;
      /** @description The index of the order in its operation, from 0. */
      index: number | null;
      /** @description The number of the order; null if its operation is unknown. */
      number: number | null;
      /** @description The deliberate fault of the record. */
      fault: string | null;
      error: components['schemas']['DeadLetterError'];
      /** Format: int64 */
      attempts: number;
      /** Format: date-time */
      deadLetteredAt: string;
      /**
       * Format: int64
       * @description Number of redrives of this letter.
       */
      redrives: number;
      /** @description The redrives of this letter, oldest first. */
      tries: components['schemas']['RedriveTry'][];
    };
    DifferingBlock: {
      /**
       * Format: int64
       * @description The lowest order number of the block.
       */
      first: number;
      /**
       * Format: int64
       * @description The highest order number of the block.
       */
      last: number;
      /**
       * Format: int64
       * @description Orders that were saved when the block was verified.
       */
      verified: number;
      /** Format: int64 */
      found: number;
      /** Format: date-time */
      verifiedAt: string;
    };
    /**
     * @example {
     *       "errorCode": "malformed-avro"
     *     }
     */
    DiscardRequest: {
      /** @description Only this dead letter. */
      id?: string;
      /** @description Only letters with this error code, such as conflict. Spaces around it make no difference. */
      errorCode?: string;
      /**
       * Format: uuid
       * @description Only letters of orders of this operation.
       */
      operationId?: string;
      /**
       * @description All pending dead letters. Must be explicit, so that an empty body does nothing.
       * @enum {boolean}
       */
      all?: true;
    };
    DiscardResult: {
      /**
       * Format: int64
       * @description Number of discarded letters. Reconciliation counts them as discarded.
       */
      discarded: number;
    };
    ErrorCount: {
      errorCode: string;
      /** Format: int64 */
      count: number;
    };
    FaultCounts: {
      /** Format: int64 */
      poison: number;
      /** Format: int64 */
      oversized: number;
      /** Format: int64 */
      duplicate: number;
      /** Format: int64 */
      conflict: number;
    };
    FaultFractions: {
      poison: number;
      oversized: number;
      duplicate: number;
      conflict: number;
    };
    /** @description Deliberately faulty records, to test the pipeline. The same seed affects the same orders. All but `duplicate` become dead letters. Refused with 403 `fault-injection-off` unless the producer has the setting ALLOW_FAULT_INJECTION; with tokens, the scope `faults:inject` is required too. */
    FaultMix: {
      /**
       * @description Undecodable records that replace orders.
       * @default 0
       */
      poison?: number;
      /**
       * @description Records above the consumers' size limit that replace orders.
       * @default 0
       */
      oversized?: number;
      /**
       * @description Orders whose record is sent twice.
       * @default 0
       */
      duplicate?: number;
      /**
       * @description Orders followed by another order with the same id and different content.
       * @default 0
       */
      conflict?: number;
    };
    FieldError: {
      /** @example pageSize */
      field: string;
      /** @enum {string} */
      in: 'body' | 'query' | 'path' | 'header';
      /** @description Position in the body, as a JSON pointer (RFC 6901). */
      pointer?: string;
      /**
       * @description What is allowed, and the rejected value.
       * @example must be an integer from 1 to 1,000, in digits only, got "0"
       */
      detail: string;
    };
    FileReason: {
      code: string;
      detail: string;
    };
    FoundFaults: {
      expected: components['schemas']['FaultCounts'];
      found: components['schemas']['FaultCounts'];
    };
    ImportCounts: {
      /** Format: int64 */
      files: number;
      /**
       * Format: int64
       * @description Files with the same bytes as a file of an earlier import; they are not read.
       */
      known: number;
      /**
       * Format: int64
       * @description Rejected files.
       */
      refused: number;
      /** Format: int64 */
      rows: number;
      /** Format: int64 */
      accepted: number;
      /** Format: int64 */
      skipped: number;
      /** Format: int64 */
      conflicting: number;
      /** Format: int64 */
      malformed: number;
    };
    ImportFile: {
      /**
       * Format: int64
       * @description Index of the file in the import, from 0.
       */
      file: number;
      name: string;
      bytes: number | null;
      /** @description In hexadecimal. Null, like `bytes`, when the file was rejected without being read. */
      sha256: string | null;
      /** @enum {string} */
      state: 'waiting' | 'reading' | 'read' | 'refused' | 'known';
      /**
       * Format: int64
       * @description Number of bytes read so far.
       */
      byteOffset: number;
      /**
       * Format: int64
       * @description Rows read so far: accepted + skipped + conflicting + malformed.
       */
      rows: number;
      /**
       * Format: int64
       * @description Orders that this import emits.
       */
      accepted: number;
      /**
       * Format: int64
       * @description Orders that already exist with the same content.
       */
      skipped: number;
      /**
       * Format: int64
       * @description Orders that already exist with other content; rejected.
       */
      conflicting: number;
      /**
       * Format: int64
       * @description Rows that are not valid orders; rejected.
       */
      malformed: number;
      /** @description Why the file was rejected. */
      reason: components['schemas']['FileReason'] | null;
      /** @description The import that has already read this file. */
      knownFrom: string | null;
    };
    ImportFileCounts: {
      /** Format: int64 */
      total: number;
      /** Format: int64 */
      waiting: number;
      /** Format: int64 */
      reading: number;
      /** Format: int64 */
      read: number;
      /**
       * Format: int64
       * @description Rejected; each file has a reason.
       */
      refused: number;
      /**
       * Format: int64
       * @description Not read, because an import has already read a file with the same bytes.
       */
      known: number;
    };
    ImportFilePage: {
      items: components['schemas']['ImportFile'][];
      page: components['schemas']['NextPage'];
    };
    ImportLinks: {
      operation: string;
      files: string;
      rejects: string;
      download: string;
    };
    ImportProgress: {
      /** Format: uuid */
      id: string;
      /**
       * @description `reading`: reads the files; `emitting`: emits the orders, with a reserved block of order numbers.
       * @enum {string}
       */
      phase: 'reading' | 'emitting' | 'ended';
      files: components['schemas']['ImportFileCounts'];
      /**
       * Format: int64
       * @description Rows read so far: accepted + skipped + conflicting + malformed.
       */
      rows: number;
      /**
       * Format: int64
       * @description Orders that this import emits.
       */
      accepted: number;
      /**
       * Format: int64
       * @description Orders that already exist with the same content.
       */
      skipped: number;
      /**
       * Format: int64
       * @description Orders that already exist with other content; rejected.
       */
      conflicting: number;
      /**
       * Format: int64
       * @description Rows that are not valid orders; rejected.
       */
      malformed: number;
      links: components['schemas']['ImportLinks'];
    };
    ImportReject: {
      /**
       * Format: int64
       * @description Index of the file in the import, from 0.
       */
      file: number;
      fileName: string;
      /**
       * Format: int64
       * @description Index of the row in the file, from 0.
       */
      row: number;
      /**
       * Format: int64
       * @description Offset of the first byte of the row in the file.
       */
      byteOffset: number;
      /** @description Stable code of the reason. */
      code: string;
      field?: string;
      detail: string;
      /** @description The first 4 KiB of the row. */
      text: string;
    };
    ImportRejectPage: {
      items: components['schemas']['ImportReject'][];
      page: components['schemas']['NextPage'];
    };
    /**
     * @example {
     *       "accountId": "acc-0004711",
     *       "side": "buy",
     *       "symbol": "ACME",
     *       "quantity": 100,
     *       "price": "187.35",
     *       "currency": "USD"
     *     }
     */
    IntakeOrder: {
      /**
       * Format: uuid
       * @description Default: derived from the Idempotency-Key, or random without one.
       */
      id?: string;
      accountId: string;
      /** @enum {string} */
      side: 'buy' | 'sell';
      symbol: string;
      quantity: number;
      /** @description A decimal string of at most 14 digits and 4 decimals, above zero. A JSON number is rejected. */
      price: string;
      currency: string;
      /**
       * Format: date-time
       * @description A date and time with a zone, at most with milliseconds. Default: when the producer takes the order.
       */
      createdAt?: string;
      /**
       * Format: int64
       * @description The number of the order in the legacy system; stored as `legacy.number`.
       */
      legacyNumber?: number;
    };
    Liveness: {
      /** @enum {string} */
      status: 'ok';
    };
    MissingRecord: {
      /** Format: int64 */
      index: number;
      /** Format: int64 */
      number: number;
      /** @description `null`: unknown, because the bookkeeping of the order is compacted. */
      id: string | null;
      fault: ('poison' | 'oversized' | 'duplicate' | 'conflict') | null;
      partition: number | null;
      offset: number | null;
      /** @enum {string} */
      blame: 'not-yet-saved' | 'not-yet-projected' | 'never-acknowledged' | 'committed-past' | 'saved-then-gone';
      evidence?: string;
    };
    NextPage: {
      /** Format: int64 */
      size: number;
      /** @description Path of the next page; absent on the last page. */
      next?: string;
    };
    NumberRange: {
      /** Format: int64 */
      from: number;
      /** Format: int64 */
      to: number;
    };
    /**
     * @example {
     *       "id": "0193a7c2-5b1e-7c40-9a55-1c0de5a11ce5",
     *       "kind": "populate",
     *       "status": "succeeded",
     *       "state": {
     *         "code": "saving",
     *         "text": "sent, saving 22 %"
     *       },
     *       "interruption": null,
     *       "seed": 42,
     *       "count": 100000,
     *       "firstNumber": 1,
     *       "chunkSize": 1000,
     *       "accounts": 100000,
     *       "from": "2026-01-30T12:00:00.000Z",
     *       "to": "2026-01-31T12:00:00.000Z",
     *       "faults": null,
     *       "ackedFaults": null,
     *       "requestedRatePerSecond": null,
     *       "behindScheduleSeconds": null,
     *       "waitingFor": null,
     *       "generated": 100000,
     *       "acked": 100000,
     *       "ackedNumbers": [
     *         {
     *           "from": 1,
     *           "to": 100000
     *         }
     *       ],
     *       "saved": 22310,
     *       "savedAsOf": "2026-01-31T12:00:04.000Z",
     *       "archived": 0,
     *       "savesWaitFor": null,
     *       "deadLettered": 0,
     *       "discarded": 0,
     *       "import": null,
     *       "redrive": null,
     *       "requestedAt": "2026-01-31T12:00:00.000Z",
     *       "startedAt": "2026-01-31T12:00:00.100Z",
     *       "finishedAt": "2026-01-31T12:00:03.500Z",
     *       "ratePerSecond": 29411.8,
     *       "etaSeconds": null,
     *       "error": null,
     *       "firstErrors": null
     *     }
     */
    Operation: {
      /** Format: uuid */
      id: string;
      /** @enum {string} */
      kind: 'populate' | 'import' | 'intake' | 'redrive';
      /**
       * @description The status of the emission. `succeeded`: Kafka has acknowledged all records; saving may still be in progress, see `state`.
       * @enum {string}
       */
      status: 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';
      state: components['schemas']['OperationState'];
      /** @description A requested interruption that is pending because a chunk is in progress. */
      interruption: ('pause' | 'cancel') | null;
      /** @description Only for a populate. */
      seed: number | null;
      /** @description Number of orders, or of dead letters for a redrive. Null while an import reads its files. An intake has as many as were accepted so far, within the last second. */
      count: number | null;
      /** @description Number of the first order; the others follow without gaps. Null if there are no orders yet, and for an intake, whose numbers have gaps. */
      firstNumber: number | null;
      /** Format: int64 */
      chunkSize: number;
      /** @description Only for a populate. */
      accounts: number | null;
      /** @description Only for a populate. */
      from: string | null;
      /** @description Only for a populate. */
      to: string | null;
      /** @description Fractions of deliberately faulty orders; null if there are none. */
      faults: components['schemas']['FaultFractions'] | null;
      /** @description Deliberately faulty records that Kafka has acknowledged. `poison` and `oversized` replace orders and are counted in `acked`; `duplicate` and `conflict` are extra records. All but `duplicate` become dead letters. */
      ackedFaults: components['schemas']['FaultCounts'] | null;
      requestedRatePerSecond: number | null;
      /** @description Seconds by which the emission is behind the requested rate. Null without a rate or when it is not running. */
      behindScheduleSeconds: number | null;
      /** @description `consumers`: the emission waits until the consumer lag is below the setting LAG_CEILING. */
      waitingFor: 'consumers' | null;
      /**
       * Format: int64
       * @description Orders generated so far.
       */
      generated: number;
      /**
       * Format: int64
       * @description Orders that Kafka has acknowledged.
       */
      acked: number;
      /** @description Ranges of order numbers that Kafka has acknowledged; both ends are inclusive. Empty for an intake. */
      ackedNumbers: components['schemas']['NumberRange'][];
      /** @description Orders saved by a majority of the MongoDB replica set. Never too high and never decreases. Consumers report it twice a second; it is counted exactly before an event stream ends, and when it stops rising below `acked`. */
      saved: number | null;
      /**
       * Format: date-time
       * @description When `saved` was read, normally less than a second ago. All readers share one read.
       */
      savedAsOf: string;
      /** @description Of the saved orders, those that were moved from MongoDB to archives: the query API does not return them. Null for a redrive. */
      archived: number | null;
      /** @description What saves wait for, as text: a consumer, if none is running, or each consumer that can not work, with its reason. `null`: all work, or every result is known. */
      savesWaitFor: string | null;
      /** @description Orders that are not saved and have a dead letter that is pending or being redriven. Up to 5 s older than `saved`, and older with millions of dead letters; exact once the operation has ended. */
      deadLettered: number | null;
      /** @description Orders whose dead letters were discarded. */
      discarded: number | null;
      /** @description Only for an import: its reading progress. Details are at /v1/imports/{id}. */
      import: components['schemas']['ImportCounts'] | null;
      /** @description Only for a redrive. It ends when the outcome of each letter is known. */
      redrive: components['schemas']['RedriveProgress'] | null;
      /** Format: date-time */
      requestedAt: string;
      startedAt: string | null;
      finishedAt: string | null;
      /** @description Acknowledged orders per second since the start. */
      ratePerSecond: number | null;
      /** @description Estimated seconds until all orders are acknowledged. */
      etaSeconds: number | null;
      /** @description Why the operation failed. */
      error: components['schemas']['OperationError'] | null;
      /** @description Errors of the first dead letters, by order index. `index` is null if the record has none. */
      firstErrors: components['schemas']['OrderError'][] | null;
    };
    OperationError: {
      code: string;
      message: string;
    };
    OperationPage: {
      items: components['schemas']['Operation'][];
      page: components['schemas']['NextPage'];
    };
    OperationState: {
      /**
       * @description `reading`: an import reads its files. `receiving`: an intake takes more orders. `sending`: some records are not sent yet. `saving`: all records are sent, some are not saved yet. `allSaved`, `partlySaved`, `noneSaved`: the result of each sent record is known. `nothingSent`: there was nothing to send. A cancelled operation is `saving` and then one of these four.
       * @enum {string}
       */
      code:
        | 'reading'
        | 'receiving'
        | 'sending'
        | 'paused'
        | 'saving'
        | 'allSaved'
        | 'partlySaved'
        | 'noneSaved'
        | 'nothingSent'
        | 'failed';
      /**
       * @description The same in words, with figures, for people.
       * @example sent, saving 22 %
       */
      text: string;
    };
    OrderError: {
      index: number | null;
      code: string;
      message: string;
    };
    OriginalRecord: {
      /** Format: date-time */
      timestamp: string;
      key: components['schemas']['RecordBytes'] | null;
      value: components['schemas']['RecordBytes'] | null;
      /**
       * @description `source`: the value was too large for a letter and was read from the original record.
       * @enum {string}
       */
      valueFrom: 'letter' | 'source';
      headers: components['schemas']['RecordHeader'][];
    };
    PhantomOrder: {
      id: string;
      number: number | null;
      reason: string;
    };
    /**
     * @example {
     *       "count": 100000
     *     }
     */
    PopulateRequest: {
      /**
       * @description Number of orders to generate.
       * @example 100000
       */
      count: number;
      /**
       * Format: int64
       * @description The same seed generates the same accounts, symbols, prices and quantities. Random by default; returned in the response.
       */
      seed?: number;
      /**
       * @description Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.
       * @default 1000
       */
      chunkSize?: number;
      /** @description Average orders per second since the start. The emission catches up after a stall. */
      ratePerSecond?: number;
      /**
       * @description Number of accounts that the orders belong to.
       * @default 100000
       */
      accounts?: number;
      /** @description createdAt of the first order: a date and time with a time zone, or a date, whose day begins at 00:00 UTC. Default: 24 hours before `to`. */
      from?: string;
      /** @description End of the createdAt range, in the same notations; a date includes its whole day. Default: now. */
      to?: string;
      faults?: components['schemas']['FaultMix'];
    };
    /** @description Problem details (RFC 9457). */
    Problem: {
      /** @example urn:orders:problem:not-found */
      type: string;
      /** @example Not Found */
      title: string;
      /** @example 404 */
      status: number;
      /** @description What was wrong, for people. */
      detail: string;
      /** @description The path of the request. */
      instance: string;
      /**
       * @description Stable: clients branch on it.
       * @example not-found
       */
      code: string;
      /** @description Every invalid field. */
      errors?: components['schemas']['FieldError'][];
    } & {
      [key: string]: unknown;
    };
    Readiness: {
      status: string;
      info?: {
        [key: string]: components['schemas']['ReadinessCheck'];
      };
      error?: {
        [key: string]: components['schemas']['ReadinessCheck'];
      };
      details: {
        [key: string]: components['schemas']['ReadinessCheck'];
      };
    };
    ReadinessCheck: {
      status: string;
    } & {
      [key: string]: unknown;
    };
    Reconciliation: {
      /** Format: uuid */
      operation: string;
      /** @enum {string} */
      kind: 'populate' | 'import' | 'intake' | 'redrive';
      /** @enum {string} */
      status: 'running' | 'paused' | 'succeeded' | 'cancelled' | 'failed';
      /**
       * @description `holds`: no order is lost, doubled or altered. `pending`: some orders are still in progress, and no defect was found.
       * @enum {string}
       */
      verdict: 'holds' | 'pending' | 'broken';
      /** Format: int64 */
      count: number;
      /**
       * Format: int64
       * @description = saved + archived + deadLettered + discarded + skipped + altered + pending + missing
       */
      acked: number;
      /**
       * Format: int64
       * @description Orders saved exactly as sent.
       */
      saved: number;
      /**
       * Format: int64
       * @description Orders that were saved, and are in archives now. Only the command can compare them with their files.
       */
      archived: number;
      /**
       * Format: int64
       * @description Orders with a pending dead letter that are not saved.
       */
      deadLettered: number;
      /**
       * Format: int64
       * @description Orders that are saved and also have a dead letter.
       */
      both: number;
      /** Format: int64 */
      discarded: number;
      /**
       * Format: int64
       * @description Orders of an import that already existed with the same content and another number.
       */
      skipped: number;
      /**
       * Format: int64
       * @description Acknowledged orders that are not processed yet.
       */
      pending: number;
      /** Format: int64 */
      missing: number;
      /** Format: int64 */
      doubled: number;
      /** Format: int64 */
      altered: number;
      /**
       * Format: int64
       * @description Documents that match no order of the operation.
       */
      phantom: number;
      /**
       * Format: int64
       * @description Orders that are saved although the acknowledgement was not received. Not a defect.
       */
      savedUnacknowledged: number;
      /**
       * Format: int64
       * @description Of the acknowledged orders, those that were compared by the digest of their settled block.
       */
      settled: number;
      /** Format: int64 */
      neverAcknowledged: number;
      faults: components['schemas']['FoundFaults'] | null;
      blames: {
        [key: string]: number;
      };
      readonly missingRecords: components['schemas']['MissingRecord'][];
      readonly alteredOrders: components['schemas']['AlteredOrder'][];
      readonly phantomOrders: components['schemas']['PhantomOrder'][];
      /** @description Settled blocks whose orders are not those that were verified. The lists above name their orders where these can be known. */
      readonly differingBlocks: components['schemas']['DifferingBlock'][];
      /** @description Always empty here: only the command reads archives. */
      readonly archiveProblems: string[];
      /** Format: date-time */
      readAt: string;
      seconds: number;
      /** Format: int64 */
      ordersPerSecond: number;
      /** @description The report as text. */
      text: string;
    };
    RecordBytes: {
      /** Format: int64 */
      size: number;
      /** @description The first 64 KiB. */
      base64: string;
      /** @description The bytes as text; null if they are not UTF-8. */
      text: string | null;
    };
    RecordHeader: {
      name: string;
      value: components['schemas']['RecordBytes'];
    };
    RecordOrigin: {
      /** Format: int64 */
      partition: number;
      /** Format: int64 */
      offset: number;
      topic: string;
      /** Format: date-time */
      timestamp: string;
    };
    /** @description Position on the dead-letter topic. */
    RecordPosition: {
      /** Format: int64 */
      partition: number;
      /** Format: int64 */
      offset: number;
    };
    RedrivePlan: {
      /**
       * Format: int64
       * @description Number of letters that would be redriven.
       */
      letters: number;
      /**
       * Format: int64
       * @description Number of matching letters that were already redriven `maxRedrives` times; they are skipped.
       */
      spent: number;
      /** @description Number of letters by error code. */
      errors: components['schemas']['ErrorCount'][];
    };
    RedriveProgress: {
      filter: components['schemas']['DeadLetterFilter'];
      limit: number | null;
      /** Format: int64 */
      maxRedrives: number;
      /**
       * Format: int64
       * @description Letters sent again: saved + returned + missing + waiting.
       */
      moved: number;
      /** Format: int64 */
      saved: number;
      /**
       * Format: int64
       * @description Letters that were dead-lettered again.
       */
      returned: number;
      /**
       * Format: int64
       * @description Letters that the consumers have not processed yet.
       */
      waiting: number;
      /**
       * Format: int64
       * @description Letters that the consumers have processed without saving or dead-lettering them. Always 0 unless there is a defect.
       */
      missing: number;
      /**
       * Format: int64
       * @description Letters not sent, because Kafka no longer has the record or rejects it. They stay dead letters.
       */
      unmovable: number;
    };
    /**
     * @example {
     *       "all": true,
     *       "dryRun": true
     *     }
     */
    RedriveRequest: {
      /** @description Only this dead letter. */
      id?: string;
      /** @description Only letters with this error code, such as conflict. Spaces around it make no difference. */
      errorCode?: string;
      /**
       * Format: uuid
       * @description Only letters of orders of this operation.
       */
      operationId?: string;
      /**
       * @description All pending dead letters. Must be explicit, so that an empty body does nothing.
       * @enum {boolean}
       */
      all?: true;
      /** @description Maximum number of letters. Default: no limit. */
      limit?: number;
      /** @description Records per second. Default: as fast as Kafka acknowledges. */
      ratePerSecond?: number;
      /**
       * @description Limits redrive loops: letters that were already redriven this many times are skipped.
       * @default 5
       */
      maxRedrives?: number;
      /**
       * @description Only returns the plan; sends nothing.
       * @default false
       */
      dryRun?: boolean;
    };
    RedriveTry: {
      /** Format: uuid */
      redriveId: string;
      /** Format: date-time */
      at: string;
      /** @description Position of the new record on the orders topic. */
      sent: components['schemas']['RecordPosition'] | null;
      orderId: string | null;
      /** @description Null if not known yet. */
      outcome: ('saved' | 'returned' | 'unmovable' | 'missing') | null;
      endedAt: string | null;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type AcceptedOrder = components['schemas']['AcceptedOrder'];
export type AcceptedOrders = components['schemas']['AcceptedOrders'];
export type AlteredOrder = components['schemas']['AlteredOrder'];
export type DeadLetter = components['schemas']['DeadLetter'];
export type DeadLetterError = components['schemas']['DeadLetterError'];
export type DeadLetterFilter = components['schemas']['DeadLetterFilter'];
export type DeadLetterGroup = components['schemas']['DeadLetterGroup'];
export type DeadLetterGroups = components['schemas']['DeadLetterGroups'];
export type DeadLetterPage = components['schemas']['DeadLetterPage'];
export type DeadLetterSummary = components['schemas']['DeadLetterSummary'];
export type DifferingBlock = components['schemas']['DifferingBlock'];
export type DiscardRequest = components['schemas']['DiscardRequest'];
export type DiscardResult = components['schemas']['DiscardResult'];
export type ErrorCount = components['schemas']['ErrorCount'];
export type FaultCounts = components['schemas']['FaultCounts'];
export type FaultFractions = components['schemas']['FaultFractions'];
export type FaultMix = components['schemas']['FaultMix'];
export type FieldError = components['schemas']['FieldError'];
export type FileReason = components['schemas']['FileReason'];
export type FoundFaults = components['schemas']['FoundFaults'];
export type ImportCounts = components['schemas']['ImportCounts'];
export type ImportFile = components['schemas']['ImportFile'];
export type ImportFileCounts = components['schemas']['ImportFileCounts'];
export type ImportFilePage = components['schemas']['ImportFilePage'];
export type ImportLinks = components['schemas']['ImportLinks'];
export type ImportProgress = components['schemas']['ImportProgress'];
export type ImportReject = components['schemas']['ImportReject'];
export type ImportRejectPage = components['schemas']['ImportRejectPage'];
export type IntakeOrder = components['schemas']['IntakeOrder'];
export type Liveness = components['schemas']['Liveness'];
export type MissingRecord = components['schemas']['MissingRecord'];
export type NextPage = components['schemas']['NextPage'];
export type NumberRange = components['schemas']['NumberRange'];
export type Operation = components['schemas']['Operation'];
export type OperationError = components['schemas']['OperationError'];
export type OperationPage = components['schemas']['OperationPage'];
export type OperationState = components['schemas']['OperationState'];
export type OrderError = components['schemas']['OrderError'];
export type OriginalRecord = components['schemas']['OriginalRecord'];
export type PhantomOrder = components['schemas']['PhantomOrder'];
export type PopulateRequest = components['schemas']['PopulateRequest'];
export type Problem = components['schemas']['Problem'];
export type Readiness = components['schemas']['Readiness'];
export type ReadinessCheck = components['schemas']['ReadinessCheck'];
export type Reconciliation = components['schemas']['Reconciliation'];
export type RecordBytes = components['schemas']['RecordBytes'];
export type RecordHeader = components['schemas']['RecordHeader'];
export type RecordOrigin = components['schemas']['RecordOrigin'];
export type RecordPosition = components['schemas']['RecordPosition'];
export type RedrivePlan = components['schemas']['RedrivePlan'];
export type RedriveProgress = components['schemas']['RedriveProgress'];
export type RedriveRequest = components['schemas']['RedriveRequest'];
export type RedriveTry = components['schemas']['RedriveTry'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
