import {
  autoscalingBeyond,
  autoscalingHours,
  autoscalingKeys,
  autoscalingRebalances,
} from './benchmarks/autoscaling.js';
import { backup } from './benchmarks/backup.js';
import { archive, busyArchive } from './benchmarks/archive.js';
import { clientsConsumer, clientsProducer } from './benchmarks/clients.js';
import { consoleCpu, consoleFirstPaint } from './benchmarks/console.js';
import { emission } from './benchmarks/emission.js';
import { engineOverhead } from './benchmarks/engine-overhead.js';
import { intake, intakeLatency } from './benchmarks/intake.js';
import { jsonKeys, jsonNoSave, jsonSave } from './benchmarks/json.js';
import { memoryStalledKey } from './benchmarks/memory-stalled-key.js';
import { migrate } from './benchmarks/migrate.js';
import { nestStrategy, nestStrategyMethod } from './benchmarks/nest-strategy.js';
import { oneAtATimeNoSave, oneAtATimeSave } from './benchmarks/one-at-a-time.js';
import { pipelineNoSave, pipelineSave } from './benchmarks/pipeline.js';
import { poison } from './benchmarks/poison.js';
import { readsById, readsByIdLatency } from './benchmarks/reads-by-id.js';
import { readsPageDepth, readsPageSkip } from './benchmarks/reads-depth.js';
import { readsExport, readsExportMemory } from './benchmarks/reads-export.js';
import { readsRestart } from './benchmarks/reads-restart.js';
import { readsWalk, readsWalkFiltered } from './benchmarks/reads-walk.js';
import { consumersAgainstOne, consumerWith } from './benchmarks/scaling.js';
import {
  facadeReadsHangingP50,
  facadeReadsHangingP99,
  facadeReadsP50,
  facadeReadsP99,
} from './benchmarks/facade-reads.js';
import { facadeRollback } from './benchmarks/facade-rollback.js';
import { secured } from './benchmarks/secured.js';
import { slowClients, unreadExports } from './benchmarks/slow-clients.js';
import { visibleP50, visibleP99 } from './benchmarks/visible-latency.js';
import { verify } from './benchmarks/verify.js';
import { fewKeys, windowOf } from './benchmarks/window.js';
import type { Benchmark } from './harness/benchmark.js';
import type { Simulation } from './harness/simulation.js';

/** All benchmarks that need servers, in the order in which they run. */
export const BENCHMARKS: readonly Benchmark[] = [
  windowOf(100),
  windowOf(1_000),
  windowOf(5_000),
  fewKeys,
  pipelineSave,
  pipelineNoSave,
  jsonSave,
  jsonNoSave,
  jsonKeys,
  nestStrategy,
  nestStrategyMethod,
  oneAtATimeSave,
  oneAtATimeNoSave,
  engineOverhead,
  poison,
  visibleP50,
  visibleP99,
  emission,
  clientsConsumer,
  clientsProducer,
  intake,
  intakeLatency,
  slowClients,
  unreadExports,
  memoryStalledKey,
  consumersAgainstOne(2, 1.9),
  consumersAgainstOne(4, 3.6),
  consumerWith(250, 0.9),
  consumerWith(2_000, 0.9),
  consumerWith(4_000, 0.9),
  // Beyond the capacity of two cores: shows where the curve flattens.
  consumerWith(8_000, null),
  consumerWith(12_000, null),
  readsById,
  readsByIdLatency,
  readsPageDepth,
  readsPageSkip,
  readsWalk,
  readsWalkFiltered,
  readsExport,
  readsExportMemory,
  readsRestart,
  facadeReadsP50,
  facadeReadsP99,
  facadeReadsHangingP50,
  facadeReadsHangingP99,
  facadeRollback,
  secured,
  verify,
  migrate,
  backup,
  archive,
  busyArchive,
  consoleCpu,
  consoleFirstPaint,
];

/** All benchmarks in simulated time. They run first. */
export const SIMULATIONS: readonly Simulation[] = [
  autoscalingBeyond,
  autoscalingHours,
  autoscalingRebalances,
  autoscalingKeys,
];
