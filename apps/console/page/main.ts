import { Client, Session } from './client.js';
import { LivePipeline } from './live/live-pipeline.js';
import { OldestRecordDialog } from './live/oldest-record.js';
import { Operations } from './populate/operations.js';
import { PageElement } from './page-element.js';
import { Router } from './routing.js';
import { OrdersConsole } from './orders-console.js';
import { AutoscalingPanel } from './scaling/autoscaling-panel.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { ConflictComparison, LetterDialog } from './dead-letters/letter-dialog.js';
import { PageHeader } from './page-header.js';
import { ConsumerBanner, PartitionGrid } from './live/consumers-view.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { FigureTiles } from './live/figure-tiles.js';
import { FirstRunGuide } from './first-run-guide.js';
import { MigrationView } from './migration/migration-view.js';
import { NumberField } from './form-fields.js';
import { OperationActions, OperationList } from './populate/operation-list.js';
import { OperationDialog } from './populate/operation-dialog.js';
import { OrderBrowser } from './orders/order-browser.js';
import { PopulateForm } from './populate/populate-form.js';
import { RedriveDialog } from './dead-letters/redrive-dialog.js';
import { ScaleControls, ScalingVerdicts } from './scaling/scale-controls.js';
import { ScalingDemoPanel } from './scaling/scaling-demo.js';
import { SignIn } from './sign-in.js';
import { ThroughputChart } from './live/throughput-chart.js';

const PARTS = {
  'page-header': PageHeader,
  'sign-in': SignIn,
  'first-run-guide': FirstRunGuide,
  'consumer-banner': ConsumerBanner,
  'figure-tiles': FigureTiles,
  'throughput-chart': ThroughputChart,
  'partition-grid': PartitionGrid,
  'number-field': NumberField,
  'populate-form': PopulateForm,
  'operation-list': OperationList,
  'operation-actions': OperationActions,
  'operation-dialog': OperationDialog,
  'scale-controls': ScaleControls,
  'scaling-verdicts': ScalingVerdicts,
  'autoscaling-panel': AutoscalingPanel,
  'scaling-demo': ScalingDemoPanel,
  'dead-letters': DeadLetters,
  'conflict-comparison': ConflictComparison,
  'letter-dialog': LetterDialog,
  'oldest-record-dialog': OldestRecordDialog,
  'redrive-dialog': RedriveDialog,
  'confirm-dialog': ConfirmDialog,
  'order-browser': OrderBrowser,
  'migration-view': MigrationView,
  // The last one: it is in the page already, and then renders the others.
  'orders-console': OrdersConsole,
};

const client = new Client(new Session(sessionStorage, location, history));
PageElement.context = {
  client,
  live: new LivePipeline(client),
  operations: new Operations(client),
  router: new Router(window, location, history),
};
for (const [name, part] of Object.entries(PARTS)) customElements.define(name, part);
