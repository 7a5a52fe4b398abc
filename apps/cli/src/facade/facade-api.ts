// Written by `npm run docs:api` from docs/openapi/facade.json.
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    Audit: {
      /** @description The newest first. */
      items: components['schemas']['AuditEntry'][];
    };
    AuditEntry: {
      id: string;
      /** Format: date-time */
      at: string;
      by: string;
      /** @enum {string} */
      action: 'change' | 'done' | 'abandoned' | 'refusal' | 'rollback' | 'alert' | 'hold' | 'release';
      reason: string;
      /** Format: int64 */
      revision: number;
      capability?: string;
      from?: string;
      to?: string;
      isForced?: boolean;
      /** @description Why it was refused. */
      code?: string;
      /** @description The gate as it was. */
      gate?: components['schemas']['GateCondition'][];
    };
    Backfill: {
      /** Format: uuid */
      id: string;
      /** @enum {string} */
      status: 'running' | 'ended' | 'cancelled';
      /** @description Why it can not go on at the moment, such as a side that does not answer. It is retried. */
      problem: string | null;
      /**
       * Format: int64
       * @description The highest legacy number, as it was at the start.
       */
      upTo: number;
      /**
       * Format: int64
       * @description All legacy numbers up to this one are done.
       */
      done: number;
      startedBy: string;
      /** Format: date-time */
      startedAt: string;
      endedAt: string | null;
      /** @description `incomplete`: some orders have no exact translation. Repair them in the legacy system, and start again. */
      result: ('imported' | 'incomplete') | null;
      /**
       * Format: int64
       * @description How many orders the imports contain.
       */
      translated: number;
      /**
       * Format: int64
       * @description How many orders have no exact translation.
       */
      untranslated: number;
      /** @description The imports, operations of the producer. They go on by themselves. */
      operationIds: string[];
    };
    CapabilityState: {
      /** @enum {string} */
      stage: 'off' | 'dualwrite' | 'live' | 'complete' | 'shadow';
      /** @description These keys are at `stage`, the others at the stage before. */
      percent: number;
      /**
       * Format: int64
       * @description Counts the changes of this capability.
       */
      version: number;
      /** Format: date-time */
      since: string;
      /** @description Why the last change was an automatic rollback. */
      cause?: string;
      /**
       * Format: int64
       * @description Compared answers since the last change.
       */
      samples: number;
      /**
       * Format: int64
       * @description Differences that remained after the re-check, since the last change.
       */
      mismatches: number;
      /** @description Share of failed requests since the last change. */
      errorRate: {
        legacy: number;
        new: number;
      };
      /** @description Since the last change; `null` without a request. */
      p50Ms: {
        legacy: number | null;
        new: number | null;
      };
      /** @description Since the last change; `null` without a request. */
      p99Ms: {
        legacy: number | null;
        new: number | null;
      };
      /**
       * Format: int64
       * @description Open write intents.
       */
      pendingIntents: number;
      /** @description The conditions of the next step forward; empty if it needs none. */
      gate: components['schemas']['GateCondition'][];
    };
    Difference: {
      /** @description The field, after the number of its order in a page or range: `1001.price`. `order`, or a number alone: the whole order. */
      path: string;
      /** @description The value of the legacy system as JSON; absent if it has none. */
      legacy?: string;
      /** @description The value of the new side as JSON; absent if it has none. */
      new?: string;
      /** @description The cause, if it is known: such as `not-a-uuid`, `html` or `half-json`. */
      code?: string;
      detail?: string;
    };
    Differences: {
      items: components['schemas']['VerifiedDifference'][];
    };
    FacadeInstance: {
      name: string;
      /** Format: int64 */
      revision: number;
      /** Format: date-time */
      refreshedAt: string;
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
    GateCondition: {
      /** @example samples */
      condition: string;
      /** @example at least 1000 since the last change */
      wanted: string;
      /** @example 412 */
      found: string;
      holds: boolean;
    };
    Hold: {
      held: boolean;
      /** @description Why, for the audit: 1 to 500 characters. */
      reason: string;
    };
    Liveness: {
      /** @enum {string} */
      status: 'ok';
    };
    Migration: {
      /**
       * Format: int64
       * @description Counts all changes of the migration.
       */
      revision: number;
      /** @description Blocks every change while it is set. */
      hold: {
        by: string;
        reason: string;
        /** Format: date-time */
        since: string;
      } | null;
      /** @description The change of writes that is in progress. */
      change: {
        /** @enum {string} */
        stage: 'off' | 'dualwrite' | 'live' | 'complete';
        percent: number;
        /**
         * @description `acknowledge`: waits for the instances. `drain`: waits until the legacy system has all orders.
         * @enum {string}
         */
        step: 'acknowledge' | 'buckets' | 'drain';
        by: string;
        reason: string;
        /**
         * Format: date-time
         * @description When it is abandoned, unless it is done.
         */
        deadline: string;
      } | null;
      /** @description The registered facade instances, and the revision that each has applied. */
      instances: components['schemas']['FacadeInstance'][];
      capabilities: {
        writes: components['schemas']['CapabilityState'];
        'read-by-id': components['schemas']['CapabilityState'];
        'read-by-page': components['schemas']['CapabilityState'];
        'read-by-range': components['schemas']['CapabilityState'];
      };
    };
    Mismatch: {
      id: string;
      /** @enum {string} */
      capability: 'writes' | 'read-by-id' | 'read-by-page' | 'read-by-range';
      /**
       * Format: int64
       * @description The version of the capability's state.
       */
      version: number;
      /** @description What was asked for: an id, or a page or range such as `read-by-page:7`. */
      key: string;
      /** @description The code of the first difference that has one. */
      code?: string;
      /** @enum {string} */
      recheck: 'differs' | 'passed';
      /** @description Where the answers differ; at most 50 places. */
      paths: components['schemas']['Difference'][];
      /** @description The answer of the legacy system; its first 16,384 characters. */
      legacyRaw: string;
      /** @description The answer of the new side; its first 16,384 characters. */
      newRaw: string;
      /**
       * Format: int64
       * @description How often it was found.
       */
      count: number;
      /** Format: date-time */
      firstAt: string;
      /** Format: date-time */
      lastAt: string;
    };
    MismatchPage: {
      items: components['schemas']['Mismatch'][];
      /** @description The cursor of the next page; `null`: this is the last one. */
      next: string | null;
    };
    PendingIntent: {
      id: string;
      /**
       * Format: int64
       * @description The legacy number.
       */
      number: number;
      accountId: string;
      bucket: number;
      /**
       * Format: int64
       * @description The position among the writes of the bucket.
       */
      seq: number;
      /**
       * @description The side that answers the client.
       * @enum {string}
       */
      answering: 'legacy' | 'new';
      /** @enum {string} */
      legacy: 'open' | 'stored' | 'none';
      /** @enum {string} */
      new: 'open' | 'sent' | 'readable' | 'none';
      /** Format: int64 */
      ageMs: number;
      /**
       * Format: int64
       * @description Attempts without an outcome.
       */
      attempts: number;
      /** @description Why the last attempt had no outcome. */
      reason: string | null;
      /** @description The facade instance that admitted it. */
      instance: string;
    };
    PendingIntents: {
      /** Format: int64 */
      count: number;
      /** @description The oldest first; at most 1,000. */
      items: components['schemas']['PendingIntent'][];
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
      /** @description Of each 400 and 409 of the migration: what `GET /v1/migration` responds. It has not changed. */
      state?: {
        [key: string]: unknown;
      };
      /** @description Of `gate-not-met`: every condition, as in `state`. */
      gate?: {
        [key: string]: unknown;
      }[];
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
    StageChange: {
      /** @description `off`, `dualwrite` (writes) or `shadow` (reads), `live`, `complete`. */
      stage: string;
      /** @description An integer from 1 to 100: these keys move. Default: 100. */
      percent?: number;
      /** @description Overrules the gate and missing acknowledgements, and takes reads back first. Not what is irreversible. */
      force?: boolean;
      /**
       * Format: int64
       * @description The version that the caller has seen; another one is a conflict.
       */
      version?: number;
      /** @description Why, for the audit: 1 to 500 characters. */
      reason: string;
    };
    UntranslatedOrder: {
      /** @description The legacy number. */
      number: number | null;
      id: string | null;
      reason: {
        code: string;
        field?: string;
        value?: string;
        detail: string;
      };
    };
    UntranslatedOrders: {
      items: components['schemas']['UntranslatedOrder'][];
    };
    Verification: {
      /** Format: uuid */
      id: string;
      /** @enum {string} */
      status: 'running' | 'ended' | 'cancelled';
      /** @description Why it can not go on at the moment, such as a side that does not answer. It is retried. */
      problem: string | null;
      /**
       * Format: int64
       * @description The highest legacy number, as it was at the start.
       */
      upTo: number;
      /**
       * Format: int64
       * @description All legacy numbers up to this one are done.
       */
      done: number;
      startedBy: string;
      /** Format: date-time */
      startedAt: string;
      endedAt: string | null;
      /** @description `open`: writes were still missing on a side 30 s after everything else was compared. */
      result: ('equal' | 'different' | 'open') | null;
      /** @description How many orders each side has. */
      orders: {
        /** Format: int64 */
        legacy: number;
        /** Format: int64 */
        new: number;
      };
      /** Format: int64 */
      differences: number;
      /** @description How many differences there are of each kind. */
      byKind: {
        /** Format: int64 */
        'missing-in-new': number;
        /** Format: int64 */
        'missing-in-legacy': number;
        /** Format: int64 */
        differs: number;
        /** Format: int64 */
        doubled: number;
        /** Format: int64 */
        unreadable: number;
      };
      /**
       * Format: int64
       * @description How many intervals of 1,000 numbers wait for writes that are on their way.
       */
      openIntervals: number;
    };
    VerifiedDifference: {
      /** @enum {string} */
      kind: 'missing-in-new' | 'missing-in-legacy' | 'differs' | 'doubled' | 'unreadable';
      /** @description The legacy number. */
      number: number | null;
      id?: string | null;
      /** @description Of `differs`: the values of both sides, as the legacy system would show them. */
      fields?: {
        path: string;
        legacy: unknown;
        new: unknown;
      }[];
      /** @description Of `missing-in-new`: why it has no exact translation, if so. */
      reason?: unknown;
    } & {
      [key: string]: unknown;
    };
    /** @description An order of the legacy system. */
    LegacyApiOrder: {
      id: string;
      number: number;
      accountId: string;
      /** @enum {string} */
      side: 'buy' | 'sell';
      symbol: string;
      quantity: number;
      /** @description A float. */
      price: number;
      /** @description A float. */
      amount: number;
      currency: string;
      /** @description A local time without a zone, in `LEGACY_TIME_ZONE`. */
      createdAt: string;
    };
    /**
     * @description What is missing is assigned. The same `id` sends the same order once.
     * @example {
     *       "accountId": "acc-1",
     *       "side": "buy",
     *       "symbol": "ACME",
     *       "quantity": 3,
     *       "price": 187.35,
     *       "currency": "EUR"
     *     }
     */
    LegacyApiOrderRequest: {
      id?: string;
      number?: number;
      accountId: string;
      /** @enum {string} */
      side: 'buy' | 'sell';
      symbol: string;
      quantity: number;
      /** @description A float. */
      price: number;
      /** @description A float. */
      amount?: number;
      currency: string;
      /** @description A local time without a zone, in `LEGACY_TIME_ZONE`. */
      createdAt?: string;
    };
    LegacyApiPopulated: {
      count: number;
      first: number;
      last: number;
    };
    /** @description The legacy system's form of errors. Only errors of the facade itself have a `code`. */
    LegacyApiError: {
      statusCode: number;
      code?: string;
      error: string;
      message: string;
      /** @description The invalid field, if the facade knows it. */
      field?: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type Audit = components['schemas']['Audit'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type Backfill = components['schemas']['Backfill'];
export type CapabilityState = components['schemas']['CapabilityState'];
export type Difference = components['schemas']['Difference'];
export type Differences = components['schemas']['Differences'];
export type FacadeInstance = components['schemas']['FacadeInstance'];
export type FieldError = components['schemas']['FieldError'];
export type GateCondition = components['schemas']['GateCondition'];
export type Hold = components['schemas']['Hold'];
export type Liveness = components['schemas']['Liveness'];
export type Migration = components['schemas']['Migration'];
export type Mismatch = components['schemas']['Mismatch'];
export type MismatchPage = components['schemas']['MismatchPage'];
export type PendingIntent = components['schemas']['PendingIntent'];
export type PendingIntents = components['schemas']['PendingIntents'];
export type Problem = components['schemas']['Problem'];
export type Readiness = components['schemas']['Readiness'];
export type ReadinessCheck = components['schemas']['ReadinessCheck'];
export type StageChange = components['schemas']['StageChange'];
export type UntranslatedOrder = components['schemas']['UntranslatedOrder'];
export type UntranslatedOrders = components['schemas']['UntranslatedOrders'];
export type Verification = components['schemas']['Verification'];
export type VerifiedDifference = components['schemas']['VerifiedDifference'];
export type LegacyApiOrder = components['schemas']['LegacyApiOrder'];
export type LegacyApiOrderRequest = components['schemas']['LegacyApiOrderRequest'];
export type LegacyApiPopulated = components['schemas']['LegacyApiPopulated'];
export type LegacyApiError = components['schemas']['LegacyApiError'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
