import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import type { EngineLogger } from '@orders-pipeline/parallel-consumer';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { ApiDescription } from '#service/docs/openapi.js';
import { ReadinessChecks, HealthModule } from '#service/health/health.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { DEAD_LETTER_TOPIC, ORDERS_TOPIC } from '#orders/topics/topics.js';
import { kafkaAccess } from '#service/kafka/kafka-access.js';
import { KafkaPositions } from '#service/kafka/kafka-clients.js';
import { DependencyState } from '#service/availability/dependency-state.js';
import { EventStreams } from '#service/http/concurrency-limit.js';
import { createLogger, logsModule } from '#service/process/logs.js';
import { MetricsModule } from '#service/health/metrics.js';
import { timeLimit } from '#orders/time-limit.js';
import { Autoscaler } from './autoscaling/autoscaler.js';
import { AutoscalingController } from './autoscaling/autoscaling.controller.js';
import { exposeAutoscaling, AutoscalingStatus } from './autoscaling/autoscaling-status.js';
import { autoscalingView } from './autoscaling/autoscaling-response.js';
import { autoscaleLimits } from './autoscaling/autoscaling-settings.js';
import { chooseActuator } from './autoscaling/actuators.js';
import { MongoAutoscalerStore } from './autoscaling/autoscaler-store.js';
import { PipelineController } from './pipeline/pipeline.controller.js';
import { PipelineSnapshots, SingleFlight } from './pipeline/pipeline-snapshots.js';
import { exposePipeline, exposeReplicas, TopicReplicas } from './pipeline/pipeline-metrics.js';
import { PipelineWatch } from './pipeline/pipeline-watch.js';
import { MongoDemoStore } from './scaling-demo/demo-store.js';
import { ScalingDemoController, ScalingDemoSettings } from './scaling-demo/scaling-demo.controller.js';
import { ScalingDemo, ScalingDemoStatus } from './scaling-demo/scaling-demo.js';
import { ScalingController } from './scaling/scaling.controller.js';
import { ScalingTarget, Supervisor } from './scaling/scaling-target.js';
import { settings } from './settings.js';

/** The texts of the OpenAPI document. */
export const API: ApiDescription = {
  title: 'Orders: console',
  description:
    'Reports the state of the pipeline every second and scales its consumers. Forwards /v1/operations, /v1/populate, /v1/imports and /v1/dead-letters to the producer, /v1/orders to the query API, and /v1/migration to the facade, with the caller’s token.',
};

/** Checks MongoDB only. Without Kafka the console still reports what it knows and marks the rest as unknown. */
@Injectable()
class ConsoleReadiness extends ReadinessChecks {
  readonly checks;

  constructor(mongo: Mongo) {
    super();
    this.checks = { mongodb: () => mongo.ping() };
  }
}

const logger = createLogger('console', settings.LOG_LEVEL);
/** Logs at `debug` what kafkajs says about each attempt: the snapshots, taken once a second, log when Kafka is unavailable. */
const attempts: EngineLogger = {
  info: (details, message) => logger.debug(details, message),
  warn: (details, message) => logger.debug(details, message),
  error: (details, message) => logger.debug(details, message),
};
/** A snapshot does not wait for more retries. */
const retry = { retries: 2 };
const kafka = connectKafka({ ...kafkaAccess(settings), clientId: 'orders-console', logger: attempts, retry });
const replicas = new TopicReplicas(kafka, [ORDERS_TOPIC, DEAD_LETTER_TOPIC]);
/** Far below the scrape time-out of Prometheus, 10 s. */
const REPLICAS_WITHIN_MS = timeLimit(2_000);
const target = new ScalingTarget(systemClock);

/** The console also works without MongoDB: it shows what it knows. */
function connectMongo(): Mongo {
  const mongo = new Mongo(settings.MONGODB_URI, 'orders-console');
  void mongo.connectWhenAvailable(new DependencyState(logger));
  return mongo;
}

@Module({
  providers: [{ provide: Mongo, useFactory: connectMongo }],
  exports: [Mongo],
})
class DatabaseModule {}

function makeAutoscaler(
  status: AutoscalingStatus,
  store: MongoAutoscalerStore,
  watch: PipelineWatch,
  supervisor: Supervisor,
): Autoscaler {
  const actuator = chooseActuator(settings, supervisor, target, () => watch.load?.configuredConsumers ?? null);
  const onKept = exposeAutoscaling(status, register);
  return new Autoscaler({ status, store, actuator, observe: () => watch.load, onKept, clock: systemClock, logger });
}

function makeDemo(
  status: ScalingDemoStatus,
  mongo: Mongo,
  autoscaling: AutoscalingStatus,
  watch: PipelineWatch,
  supervisor: Supervisor,
): ScalingDemo {
  return new ScalingDemo({
    status,
    store: new MongoDemoStore(mongo),
    actuator: chooseActuator(settings, supervisor, target, () => watch.load?.configuredConsumers ?? null),
    autoscaling,
    observe: async () => {
      await watch.now();
      return watch.load;
    },
    machineLoad: () => watch.machineLoad,
    clock: systemClock,
    // A helper scales the same consumers after a restart; `npm start` starts its own.
    parent: settings.AUTOSCALE_ACTUATOR_URL === undefined ? process.ppid : 0,
    logger,
  });
}

@Module({
  imports: [logsModule(logger), MetricsModule, DatabaseModule, HealthModule.with(ConsoleReadiness, [DatabaseModule])],
  controllers: [PipelineController, ScalingController, ScalingDemoController, AutoscalingController],
  providers: [
    { provide: KafkaPositions, useValue: new KafkaPositions(kafka) },
    PipelineSnapshots,
    { provide: EventStreams, useValue: new EventStreams(settings) },
    {
      provide: PipelineWatch,
      useFactory: (snapshots: PipelineSnapshots, status: AutoscalingStatus, demo: ScalingDemoStatus) =>
        new PipelineWatch(
          async () => snapshots.take(),
          target,
          systemClock,
          () => autoscalingView(status),
          () => demo.latest,
        ),
      inject: [PipelineSnapshots, AutoscalingStatus, ScalingDemoStatus],
    },
    {
      provide: Supervisor,
      useValue: new Supervisor(settings.SCALED_BY === 'supervisor' ? process : undefined, target),
    },
    {
      provide: AutoscalingStatus,
      useValue: new AutoscalingStatus(settings.AUTOSCALE, autoscaleLimits(settings)),
    },
    { provide: MongoAutoscalerStore, useFactory: (mongo: Mongo) => new MongoAutoscalerStore(mongo), inject: [Mongo] },
    {
      provide: Autoscaler,
      useFactory: makeAutoscaler,
      inject: [AutoscalingStatus, MongoAutoscalerStore, PipelineWatch, Supervisor],
    },
    ScalingDemoStatus,
    { provide: ScalingDemoSettings, useValue: settings },
    {
      provide: ScalingDemo,
      useFactory: makeDemo,
      inject: [ScalingDemoStatus, Mongo, AutoscalingStatus, PipelineWatch, Supervisor],
    },
  ],
})
export class ConsoleModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    watch: PipelineWatch,
    private readonly autoscaler: Autoscaler,
    private readonly demo: ScalingDemo,
  ) {
    exposePipeline(() => watch.snapshot, register);
    const counts = new SingleFlight(() => replicas.underReplicated(), systemClock, REPLICAS_WITHIN_MS);
    exposeReplicas(() => counts.result(), register);
  }

  onApplicationBootstrap(): void {
    if (settings.AUTOSCALE !== 'off') this.autoscaler.start();
    this.demo.recover();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.autoscaler.stop(), this.demo.stop()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await replicas.close();
  }
}
