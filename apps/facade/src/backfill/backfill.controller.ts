import { Controller } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HighestNumber } from '../runs/highest-number.js';
import { runsController } from '../runs/runs-controller.js';
import { backfillResponse, BackfillSchema, UntranslatedOrdersSchema } from './backfill-response.js';
import { BackfillRuns, UntranslatedOrders } from './backfill-runs.js';
import { newBackfill } from './run-backfill.js';

const BackfillRoutes = runsController({
  kind: 'backfill',
  noun: 'backfill',
  schema: BackfillSchema,
  start: {
    summary: "Copy the legacy system's orders to the new side",
    description:
      'Translates all orders up to the highest legacy number at the start, and starts an import for each 100,000 numbers. ' +
      'It runs in the background beside dual writes and survives restarts. Orders that the new side has already are skipped. ' +
      'Nothing is rounded or filled in: an order without an exact translation is listed in `untranslated`.',
  },
  begin: newBackfill,
  response: backfillResponse,
  findings: {
    path: 'untranslated',
    operation: { operationId: 'listUntranslated', summary: 'List the orders without an exact translation, by number' },
    schema: UntranslatedOrdersSchema,
  },
  cancel: { description: 'Imports that it has started go on.' },
});

@ApiTags('backfill')
@Controller('v1/migration/backfill')
export class BackfillController extends BackfillRoutes {
  constructor(runs: BackfillRuns, untranslated: UntranslatedOrders, highest: HighestNumber) {
    super({ runs, findings: untranslated, highest });
  }
}
