import { Controller } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HighestNumber } from '../runs/highest-number.js';
import { runsController } from '../runs/runs-controller.js';
import { newProgress } from './verification-progress.js';
import { DifferencesSchema, VerificationSchema, verificationResponse } from './verification-response.js';
import { Differences, VerificationRuns } from './verification-runs.js';

const VerifyRoutes = runsController({
  kind: 'verify',
  noun: 'verification',
  schema: VerificationSchema,
  start: {
    summary: 'Compare all orders of both sides',
    description:
      'Reads both sides by legacy number, up to the highest one at the start. It runs in the background and survives restarts. ' +
      'A difference counts only if it is there in a second reading, after all admitted writes are on both sides.',
  },
  begin: newProgress,
  response: verificationResponse,
  findings: {
    path: 'differences',
    operation: { operationId: 'listDifferences', summary: 'List the differences of a verification, by number' },
    schema: DifferencesSchema,
  },
});

@ApiTags('verify')
@Controller('v1/migration/verify')
export class VerifyController extends VerifyRoutes {
  constructor(runs: VerificationRuns, differences: Differences, highest: HighestNumber) {
    super({ runs, findings: differences, highest });
  }
}
