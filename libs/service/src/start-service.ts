import { Logger, type Type } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger as PinoLogger } from 'nestjs-pino';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { register } from 'prom-client';
import { refuseOpenService, type AuthSettings } from './auth/auth-settings.js';
import { ScopeGuard } from './auth/scope.guard.js';
import { setUpHttp } from './http/http-shell.js';
import { parseQuery } from './http/query-string.js';
import { closeReadily } from './http/ready-close.js';
import { requestId } from './http/request-ids.js';
import { measureRequests } from './http/request-metrics.js';
import { serveApiDocs, type ApiDescription } from './docs/openapi.js';
import { announceToParent, onParentExit } from './parent-process.js';
import { ProblemFilter } from './problem-filter.js';
import type { HttpSettings } from './settings.js';
import { ValidationPipe } from './validation-pipe.js';

export interface ServiceOptions {
  readonly module: Type;
  /**
   * Transport strategies among the module's providers, by class. Their handlers run from when the module is whole, before the
   * service listens, until they are closed: after the HTTP server, and before anything with an `onApplicationShutdown`.
   */
  readonly strategies?: readonly Type<CustomTransportStrategy>[];
  /** Where it listens, and whom it takes requests from. */
  readonly settings: HttpSettings;
  /** Who makes the tokens that it takes. Absent: it has nothing to protect, only health and metrics. */
  readonly auth?: AuthSettings;
  /** Largest request body in bytes; beyond it: 413. */
  readonly bodyLimit?: number;
  /** Gives Fastify what the handlers need of it, such as parsers of other bodies than JSON, before the routes are made. */
  readonly prepare?: (fastify: FastifyInstance) => Promise<void>;
  /** Without it the service has no documents: it serves health and metrics only. */
  readonly docs?: ApiDescription;
}

const DEFAULT_BODY_LIMIT = 64 * 1024;
/** All of a stack must be down within 30 s. */
const DRAIN_LIMIT_MS = 18_000;

/**
 * Starts a service and keeps it until SIGTERM, SIGINT, or the end of the process that started it; then everything with an
 * `onModuleDestroy`, a `close` or an `onApplicationShutdown` drains, and the process ends with 0.
 * Fastify rather than Express: some 1.4 times the requests per second, and JSON bodies with `__proto__` are refused.
 */
export async function startService(options: ServiceOptions): Promise<void> {
  const { settings, auth } = options;
  if (auth) refuseOpenService({ ...auth, ...settings }, process.env);
  const problems = new ProblemFilter();
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimit ?? DEFAULT_BODY_LIMIT,
    genReqId: requestId,
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      problems.send(error, request, reply),
    routerOptions: { querystringParser: parseQuery },
  });
  const app = await NestFactory.create<NestFastifyApplication>(options.module, adapter, {
    // What fails before the service's own logger is there is thrown, and told once, by `failToStart`.
    logger: false,
    abortOnError: false,
    // Nest would take forms too, which any page can send without asking. Fastify itself reads JSON.
    bodyParser: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  // Fastify would take text for a body; a body is JSON, or what a service is prepared for, all else is 415.
  fastify.removeContentTypeParser('text/plain');
  closeReadily(fastify);
  measureRequests(fastify, register);
  await setUpHttp(fastify, settings, auth);
  await options.prepare?.(fastify);
  app.useLogger(app.get(PinoLogger));
  app.useGlobalFilters(problems);
  app.useGlobalPipes(new ValidationPipe());
  if (auth?.AUTH_ISSUER !== undefined)
    app.useGlobalGuards(
      new ScopeGuard(app.get(Reflector), auth.AUTH_AUDIENCE, (type) => app.get(type, { strict: false })),
    );
  if (options.docs) serveApiDocs(app, options.docs, auth?.AUTH_ISSUER);
  for (const strategy of options.strategies ?? []) app.connectMicroservice({ strategy: app.get(strategy) });
  endWithItsKeeper(app);
  // Initialized first: a handler must not run before what it needs has had its `onModuleInit`.
  await app.init();
  await app.startAllMicroservices();
  await app.listen({ host: settings.LISTEN_HOST, port: settings.PORT });
  announceToParent(await app.getUrl());
}

function endWithItsKeeper(app: NestFastifyApplication): void {
  let ending = false;
  const end = (reason: string): void => {
    if (ending) return;
    ending = true;
    const logger = new Logger('service');
    logger.log({ reason }, 'draining');
    // Whatever hangs (a broker that never answers) must not keep the process: what isn't finished is handed over.
    setTimeout(() => {
      logger.error(`the drain took longer than ${DRAIN_LIMIT_MS} ms: ending without it`);
      process.exit(1);
    }, DRAIN_LIMIT_MS).unref();
    app
      .close()
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        logger.error(error instanceof Error ? error.stack : String(error), 'the drain failed');
        process.exit(1);
      });
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  onParentExit(() => end('the process that started this one is gone'));
}
