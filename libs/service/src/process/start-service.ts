import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Logger, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger as PinoLogger } from 'nestjs-pino';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { register } from 'prom-client';
import { systemClock } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { auditRequests } from '../audit/audit-requests.js';
import type { AuditSettings, HttpSettings } from '../settings/service-settings.js';
import { AuditTrail, logAudited } from '../audit/audit-trail.js';
import { rejectOpenService, type AuthSettings } from '../auth/auth-settings.js';
import { tokenCheck } from '../auth/token-verifier.js';
import { ScopeGuard } from '../auth/scope.guard.js';
import { exposeCertificates, usedCertificates, measureRequests } from '../health/metrics.js';
import {
  separateAdminRoutes,
  ANSWER_WHILE_CLOSING,
  closeIdleConnections,
  connectionLimits,
} from '../http/connections.js';
import { setUpHttp, requestId } from '../http/http-shell.js';
import { explainInput, parseQuery, ValidationPipe } from '../http/request-input.js';
import { serveApiDocs, type ApiDescription } from '../docs/openapi.js';
import { Draining, ReadinessChecks } from '../health/health.js';
import type { Startup } from '../availability/startup.js';
import { ProblemFilter } from '../http/problem-filter.js';
import { Mongo } from '../mongodb/mongo.js';
import type { DependencyState } from '../availability/dependency-state.js';
import { problemType } from '../http/problem.js';
import { ProfileFolder, type ProfileSettings } from '../profiles/profile-folder.js';
import { withProfiles } from '../profiles/profiles.controller.js';
import { Profiles } from '../profiles/profiles.js';
import { tracing } from '../telemetry/tracing.js';
import { announceToParent, onParentExit } from './parent-process.js';
import { createLogger } from './logs.js';

type AuditOptions = AuditSettings & { readonly service: string };
type ProfileOptions = ProfileSettings & { readonly service: string };

interface ServiceOptions {
  readonly module: Type | DynamicModule;
  /**
   * Transport strategies among the module's providers, by class. They start after the module is initialized and before the
   * service listens. They are closed after the HTTP server and before any `onApplicationShutdown`.
   */
  readonly strategies?: readonly Type<CustomTransportStrategy>[];
  /** What the module waits for before it exists. If absent, it does not wait for any server. */
  readonly startup?: Startup;
  /** The address to listen on, and the accepted hosts and origins. */
  readonly settings: HttpSettings;
  /** The token issuer. If absent, the service has nothing to protect, only health and metrics. */
  readonly auth?: AuthSettings;
  /** Whether the service is ready without the issuer's keys, since most of its clients have no tokens. Default: false. */
  readonly isReadyWithoutIssuer?: boolean;
  /** Has the requests of `Audited` routes recorded, as those of this service. The module then has `Mongo`. */
  readonly audit?: AuditOptions;
  /**
   * Serves the routes of profiles as those of this service, if PROFILE_DIR is set. The service then has `auth`. Without `audit`, their
   * requests are audited in its log only.
   */
  readonly profiles?: ProfileOptions;
  /** Largest request body in bytes; larger ones are rejected with 413. */
  readonly bodyLimit?: number;
  /** The longest parameter of a path, in characters; a longer one is not found. Default: 100. */
  readonly maxParamLength?: number;
  /** Extends Fastify before the routes are registered, such as with parsers of other bodies than JSON. */
  readonly prepare?: (fastify: FastifyInstance) => Promise<void>;
  /** The OpenAPI description. If absent, the service serves no API documents. */
  readonly docs?: ApiDescription;
}

const DEFAULT_BODY_LIMIT = 64 * 1024;
/** After the grace period. The whole stack must stop within 30 s. */
const DRAIN_LIMIT_MS = timeLimit(18_000);

/**
 * Starts a service and runs it until SIGTERM, SIGINT, or the exit of its parent process. Then its readiness fails; after a grace period,
 * in which balancers notice that, every `onModuleDestroy`, `close` and `onApplicationShutdown` drains, and the process exits with 0.
 * While it waits for its servers, the process only answers that it lives and is not ready.
 * It uses Fastify instead of Express: about 1.4 times the requests per second, and JSON bodies with `__proto__` are rejected.
 */
export async function startService(options: ServiceOptions): Promise<void> {
  const { settings, auth } = options;
  if (auth) rejectOpenService({ ...auth, ...settings }, process.env);
  const profiles = createProfiles(options);
  let app: NestFastifyApplication | undefined;
  onStopRequest((reason) => {
    // Until the app exists there is nothing to drain.
    if (app === undefined) process.exit(0);
    profiles?.beginDrain();
    drain(app, profiles, reason, 1_000 * settings.DRAIN_GRACE_SECONDS);
  });
  const starting = await listenWhileStarting(options);
  const problems = new ProblemFilter();
  const limits = connectionLimits(1_000 * settings.REQUEST_TIMEOUT_SECONDS);
  const adapter = new FastifyAdapter({
    ...ANSWER_WHILE_CLOSING,
    http: limits,
    trustProxy: settings.TRUST_PROXY.length > 0 && [...settings.TRUST_PROXY],
    bodyLimit: options.bodyLimit ?? DEFAULT_BODY_LIMIT,
    genReqId: requestId,
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      problems.send(error, request, reply),
    routerOptions: {
      querystringParser: parseQuery,
      ...(options.maxParamLength !== undefined && { maxParamLength: options.maxParamLength }),
    },
  });
  app = await NestFactory.create<NestFastifyApplication>(withProfiles(options.module, profiles), adapter, {
    // Errors before the service's logger exists are thrown, and reported once, by `failToStart`.
    logger: false,
    abortOnError: false,
    // Nest would also parse forms, which any web page can send without a CORS preflight. Fastify itself parses JSON.
    bodyParser: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  // Accept only JSON bodies and those that `prepare` adds; others get 415. By default Fastify also accepts text.
  fastify.removeContentTypeParser('text/plain');
  closeIdleConnections(fastify);
  tracing()?.nameRoutes(fastify);
  measureRequests(fastify, register);
  exposeCertificates(usedCertificates(settings), register);
  const admin = settings.ADMIN_PORT === undefined ? undefined : separateAdminRoutes(fastify, limits);
  const tokens =
    auth && tokenCheck(auth, { clock: systemClock, log: createLogger('auth', 'info'), registry: register });
  await setUpHttp(fastify, settings, auth, tokens?.verifier ?? null);
  if (options.audit) recordAudited(app, options.audit);
  else if (profiles) logAuditedRequests(fastify);
  await options.prepare?.(fastify);
  app.useLogger(app.get(PinoLogger));
  app.useGlobalFilters(problems);
  surroundHandlers(app, auth);
  if (options.docs) serveApiDocs(app, options.docs, auth?.AUTH_ISSUER);
  for (const strategy of options.strategies ?? []) app.connectMicroservice({ strategy: app.get(strategy) });
  if (tokens && options.isReadyWithoutIssuer !== true)
    app.get(ReadinessChecks, { strict: false }).add('issuer', async () => tokens.keys.requireKeys());
  tokens?.keys.start();
  // Initialize first: no handler may run before the `onModuleInit` of its dependencies.
  await app.init();
  await app.startAllMicroservices();
  await starting?.close();
  await admin?.listen({ host: settings.LISTEN_HOST, port: settings.ADMIN_PORT ?? 0 });
  await app.listen({ host: settings.LISTEN_HOST, port: settings.PORT });
  announceToParent(await app.getUrl());
}

function surroundHandlers(app: NestFastifyApplication, auth: ServiceOptions['auth']): void {
  explainInput();
  app.useGlobalPipes(new ValidationPipe());
  if (auth?.AUTH_ISSUER === undefined) return;
  const { AUTH_AUDIENCE: audience } = auth;
  app.useGlobalGuards(new ScopeGuard(app.get(Reflector), audience, (type) => app.get(type, { strict: false })));
}

function recordAudited(
  app: NestFastifyApplication,
  { service, AUDIT_RETENTION_DAYS: retentionDays }: AuditOptions,
): void {
  const mongo = app.get(Mongo, { strict: false });
  // Always at level `info`, independent of the service's log level.
  const log = createLogger('audit', 'info');
  const trail = new AuditTrail({ service, retentionDays, mongo, log, clock: systemClock, registry: register });
  const end = auditRequests(app.getHttpAdapter().getInstance(), (facts) => trail.record(facts), systemClock);
  mongo.beforeClose(async () => {
    end();
    await trail.close();
  });
}

/** For a service that may not write to the audit in MongoDB. */
function logAuditedRequests(fastify: FastifyInstance): void {
  const log = createLogger('audit', 'info');
  const end = auditRequests(fastify, (facts) => logAudited(log, facts), systemClock);
  fastify.addHook('onClose', (_instance, done) => {
    end();
    done();
  });
}

/** Returns `undefined` without PROFILE_DIR. */
function createProfiles({ profiles, auth }: ServiceOptions): Profiles | undefined {
  const { PROFILE_DIR: folder, service } = profiles ?? {};
  if (folder === undefined || service === undefined) return undefined;
  if (auth === undefined) throw new TypeError(`${service} has profiles, and needs \`auth\` to protect them`);
  return new Profiles({ service, folder: new ProfileFolder(folder), clock: systemClock });
}

async function listenWhileStarting({ startup, settings }: ServiceOptions): Promise<StartingServer | undefined> {
  if (startup === undefined) return undefined;
  return StartingServer.listen(startup.outages, settings.LISTEN_HOST, settings.ADMIN_PORT ?? settings.PORT);
}

/** Calls the listener for the first request to stop. */
function onStopRequest(listener: (reason: string) => void): void {
  let hasBegun = false;
  const stop = (reason: string): void => {
    if (hasBegun) return;
    hasBegun = true;
    listener(reason);
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  onParentExit(() => stop('the parent process has exited'));
}

function drain(app: NestFastifyApplication, profiles: Profiles | undefined, reason: string, graceMs: number): void {
  const logger = new Logger('service');
  logger.log({ reason }, 'draining');
  app.get(Draining, { strict: false }).begin();
  // A hanging dependency, such as a broker that never responds, must not block the exit; unfinished records are redelivered.
  const limit = setTimeout(() => {
    logger.error(`the drain took longer than ${DRAIN_LIMIT_MS} ms: exiting without it`);
    process.exit(1);
  }, graceMs + DRAIN_LIMIT_MS);
  limit.unref();
  // Clients that have not noticed yet are served as before.
  setTimeout(() => {
    closeService(app, profiles, () => clearTimeout(limit))
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        logger.error(error instanceof Error ? error.stack : String(error), 'the drain failed');
        process.exit(1);
      });
  }, graceMs);
}

/**
 * Closes the app, which drains it. Then nothing serves any more, and the requested heap snapshot is written.
 * @param drained is called in between: V8 writes a snapshot without a pause, so that a time limit of the drain would end it
 */
export async function closeService(
  app: Pick<NestFastifyApplication, 'close'>,
  profiles: Pick<Profiles, 'writeRequestedSnapshot'> | undefined,
  drained: () => void,
): Promise<void> {
  await app.close();
  await tracing()?.stop();
  drained();
  await profiles?.writeRequestedSnapshot();
}

const RETRY_AFTER_SECONDS = '5';

/**
 * Answers at the address of a service that still waits for its servers: it lives, and is not ready because of its outages. All other
 * requests get a 503. Each response ends its connection, so that the service itself can take the port over.
 */
class StartingServer {
  private constructor(private readonly server: Server) {}

  /** Resolves when it listens. @param port 0: the address is not known yet, so it does not listen at all */
  static async listen(outages: DependencyState, host: string, port: number): Promise<StartingServer | undefined> {
    if (port === 0) return undefined;
    const server = createServer((request, response) => {
      request.resume();
      answerStarting(request.url ?? '', response, outages);
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new StartingServer(server);
  }

  /** Resolves when the port is free. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

function answerStarting(url: string, response: ServerResponse, outages: DependencyState): void {
  response.setHeader('connection', 'close');
  const path = url.split('?')[0];
  if (path === '/health/live') {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end('{"status":"ok"}');
    return;
  }
  response.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': RETRY_AFTER_SECONDS });
  response.end(JSON.stringify({ ...(path === '/health/ready' ? notReady(outages) : STARTING), instance: path }));
}

const UNAVAILABLE = { title: 'Service Unavailable', status: 503 };
const STARTING = {
  ...UNAVAILABLE,
  type: problemType('starting'),
  code: 'starting',
  detail: 'The service is starting and waits for its servers: see /health/ready. Retry in a few seconds.',
};

/** The form of a started service's answer. */
function notReady(outages: DependencyState): object {
  const checks = Object.fromEntries([...outages.all].map(([name, outage]) => [name, { status: 'down', ...outage }]));
  return {
    ...UNAVAILABLE,
    type: problemType('service-unavailable'),
    code: 'service-unavailable',
    detail: 'The service is starting.',
    checks,
  };
}
