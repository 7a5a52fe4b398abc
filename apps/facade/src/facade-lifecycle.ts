import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { systemClock } from '@orders-pipeline/clock';
import { createLogger } from '#service/process/logs.js';
import { ThreadedComparer } from './comparison/comparer.js';
import { Comparisons } from './comparison/comparisons.js';
import { Observations } from './comparison/observations.js';
import { ClientActivity } from './clients.js';
import { FacadeMetrics } from './facade-metrics.js';
import { FacadeFiles } from './facade-files.js';
import { addLegacyApi, addReadRoutes, addWriteRoutes } from './legacy-api.js';
import { Reads } from './reads/reads.js';
import { settings } from './settings.js';
import { requestHeadersFor } from './sides/side-connection.js';
import { Sides } from './sides/sides.js';
import { PostedOrders } from './writes/posted-orders.js';

/** Adds the legacy API before the facade listens. At the end it stops what runs in the background, once all requests are answered. */
@Injectable()
export class FacadeLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly http: HttpAdapterHost,
    private readonly reads: Reads,
    private readonly orders: PostedOrders,
    private readonly sides: Sides,
    private readonly comparisons: Comparisons,
    private readonly comparer: ThreadedComparer,
    private readonly observations: Observations,
    private readonly files: FacadeFiles,
    private readonly metrics: FacadeMetrics,
    private readonly activity: ClientActivity,
  ) {}

  async onModuleInit(): Promise<void> {
    const { http, reads, orders, sides, observations, files, metrics, activity } = this;
    metrics.breakers(sides.breakers);
    metrics.expiredIgnoreRules(() => files.rules.expired(systemClock.now()).length);
    observations.start();
    await addLegacyApi(http.httpAdapter.getInstance<FastifyInstance>(), {
      keys: () => files.keys,
      hosts: { hosts: settings.ALLOWED_HOSTS, origins: settings.CORS_ORIGINS },
      onRequest: (client) => {
        metrics.requestBy(client);
        activity.noteRequest();
      },
      logger: createLogger('facade', settings.LOG_LEVEL),
      addRoutes: (scope) => {
        addReadRoutes(scope, reads, settings);
        addWriteRoutes(scope, orders, ({ headers, client }) => requestHeadersFor(headers, client !== null));
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    this.files.close();
    await this.comparisons.stop();
    await Promise.all([this.observations.stop(), this.comparer.close(), this.sides.close()]);
  }
}
