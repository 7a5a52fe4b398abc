import { Injectable } from '@nestjs/common';
import { Mongo } from '#service/mongodb/mongo.js';
import { StoredFindings } from '../runs/stored-findings.js';
import { StoredRuns } from '../runs/stored-runs.js';
import type { Difference } from './difference.js';
import type { VerificationProgress, VerificationResult } from './verification-progress.js';

/** The verifications, in MongoDB. */
@Injectable()
export class VerificationRuns extends StoredRuns<VerificationProgress, VerificationResult> {
  constructor(mongo: Mongo) {
    super(mongo, 'verify');
  }
}

/** What verifications have found, in MongoDB. */
@Injectable()
export class Differences extends StoredFindings<Difference> {}
