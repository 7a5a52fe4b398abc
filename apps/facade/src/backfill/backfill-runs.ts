import { Injectable } from '@nestjs/common';
import { Mongo } from '#service/mongodb/mongo.js';
import { StoredFindings } from '../runs/stored-findings.js';
import { StoredRuns } from '../runs/stored-runs.js';
import type { BackfillProgress } from './run-backfill.js';
import type { UntranslatedOrder } from './translated-rows.js';

/** `imported`: every order is part of an import. `incomplete`: some have no exact translation. */
export type BackfillResult = 'imported' | 'incomplete';

/** The backfills, in MongoDB. */
@Injectable()
export class BackfillRuns extends StoredRuns<BackfillProgress, BackfillResult> {
  constructor(mongo: Mongo) {
    super(mongo, 'backfill');
  }
}

/** Orders that backfills could not translate, in MongoDB. */
@Injectable()
export class UntranslatedOrders extends StoredFindings<UntranslatedOrder> {}
