import fastify, { type FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { Db } from 'mongodb';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { systemClock, type Clock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { parseQuery } from '#service/http/query-string.js';
import type { ClientKeys } from '../../apps/facade/src/clients/client-keys.js';
import type { Comparer } from '../../apps/facade/src/comparison/comparer.js';
import { comparisonSources } from '../../apps/facade/src/comparison/comparison-sources.js';
import { Comparisons } from '../../apps/facade/src/comparison/comparisons.js';
import { differencesOf } from '../../apps/facade/src/comparison/differences.js';
import { IgnoreRules } from '../../apps/facade/src/comparison/ignore-rules.js';
import { loggedComparisons } from '../../apps/facade/src/comparison/logged-comparisons.js';
import { Mismatches } from '../../apps/facade/src/comparison/mismatches.js';
import { Observations } from '../../apps/facade/src/comparison/observations.js';
import { FacadeMetrics } from '../../apps/facade/src/facade-metrics.js';
import { addLegacyApi } from '../../apps/facade/src/legacy-api.js';
import { addReadRoutes } from '../../apps/facade/src/reads/read-routes.js';
import { Reads } from '../../apps/facade/src/reads/reads.js';
import { Sides } from '../../apps/facade/src/sides/sides.js';
import {
  byCapability,
  isComparedStage,
  type ReadCapability,
  type ReadStage,
} from '../../apps/facade/src/stages/capability.js';
import type { Figures } from '../../apps/facade/src/stages/figures.js';

export interface TestedFacadeOptions {
  readonly legacyUrl: string;
  readonly newUrl: string;
  readonly zone: LegacyTimeZone;
  readonly db: Db;
  readonly timeoutMs?: number;
  /** That of the observations. */
  readonly clock?: Clock;
  readonly comparer?: Comparer;
}

/** The reads of the facade in this process, between two sides. A test sets the stage, and what open writes do to a read. */
export class TestedFacade {
  private static versions = 0;
  stage: ReadStage = 'off';
  /** Differs from that of every other facade: they share a database. */
  version = (TestedFacade.versions += 1);
  keys: ClientKeys | undefined;
  /** What reads wait for. */
  untilReadable: () => Promise<void> = async () => undefined;
  /** What finding out the stage does. */
  untilKnown: () => Promise<void> = async () => undefined;

  private constructor(
    private readonly app: FastifyInstance,
    private readonly sides: Sides,
    readonly comparisons: Comparisons,
    readonly observations: Observations,
    readonly mismatches: Mismatches,
    readonly registry: Registry,
  ) {}

  static async start(options: TestedFacadeOptions): Promise<TestedFacade> {
    const { legacyUrl, newUrl, zone, db, timeoutMs = timeLimit(10_000), comparer, clock = systemClock } = options;
    const app = fastify({ routerOptions: { querystringParser: parseQuery, maxParamLength: 1_024 } });
    const logger = pino({ level: 'silent' });
    const registry = new Registry();
    const metrics = new FacadeMetrics(registry);
    const sides = Sides.of({
      legacyUrl,
      producerUrl: newUrl,
      queryApiUrl: newUrl,
      zone,
      legacyConnections: 32,
      legacyTimeoutMs: timeoutMs,
      newConnections: 32,
      newTimeoutMs: timeoutMs,
      tokenClient: undefined,
      clock: systemClock,
    });
    const observations = new Observations(db, clock, () => undefined);
    const mismatches = new Mismatches(db);
    const isCompared = (): boolean => isComparedStage(facade.stage);
    const intents = { untilReadable: async (): Promise<void> => facade.untilReadable() };
    const comparisons = new Comparisons({
      sources: comparisonSources(sides.comparing),
      comparer: comparer ?? { compare: async (pair) => differencesOf(pair, zone) },
      intents,
      stages: { isCompared },
      observations,
      mismatches,
      rules: () => new IgnoreRules([]),
      watch: loggedComparisons(metrics, logger),
      clock: systemClock,
      budget: { take: () => true },
    });
    const facade: TestedFacade = new TestedFacade(app, sides, comparisons, observations, mismatches, registry);
    const stages = {
      stageOf: async () => {
        await facade.untilKnown();
        return { stage: facade.stage, version: facade.version };
      },
      isCompared,
    };
    const { legacy, newReads } = sides.reading;
    const reads = new Reads({ stages, intents, legacy, newReads, comparisons, observations, metrics });
    await addLegacyApi(facade.app, {
      keys: () => facade.keys,
      hosts: { hosts: [], origins: [] },
      onRequest: (client) => metrics.requestBy(client),
      logger,
      addRoutes: (scope) => addReadRoutes(scope, reads, { LONG_ANSWERS_PER_CALLER: 0, LONG_ANSWERS_IN_TOTAL: 0 }),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return facade;
  }

  /** Returns what was observed of a kind of read since its stage was entered. */
  async figuresOf(capability: ReadCapability): Promise<Figures> {
    return (await this.observations.read(byCapability(() => this.version)))[capability];
  }

  get url(): string {
    return `http://127.0.0.1:${(this.app.server.address() as AddressInfo).port}`;
  }

  /** Begins a new version of the state: samples and mismatches are counted anew. */
  enter(stage: ReadStage): void {
    this.stage = stage;
    this.version = TestedFacade.versions += 1;
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.comparisons.stop();
    await this.sides.close();
  }
}
