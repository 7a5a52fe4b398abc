import type { OrderResponse } from '#orders/order/order-response.js';
import { anOperation } from '#orders/testing/an-operation.js';
import { anOrderResponse } from '#orders/testing/an-order.js';
import type {
  DeadLetterGroups,
  DeadLetterItem,
  DeadLetterResponse,
} from '../../apps/producer/src/dead-letters/dead-letter-api.js';
import { type OperationResponse, operationState } from '../../apps/producer/src/operations/operation-response.js';
import type { OrderTrace } from '../../apps/query-api/src/order-trace.controller.js';
import type { AutoscalingView, DecisionItem } from '../../apps/console/src/autoscaling/autoscaling-response.js';
import { aDecision, anAutoscaling, STEP_UP } from '../../apps/console/src/autoscaling/testing/a-decision.js';
import { aPipeline, aChange } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { FigureHistory } from '../../apps/console/src/pipeline/figure-history.js';

export const NOW = '2026-01-31T12:00:00.000Z';
export const OPERATION = '01a20e65-570e-7570-bea6-26988d692e8b';
export const REDRIVE = '01a20e65-570e-7570-bea6-26988d692eff';
export const ORDER_ID = '970844c7-0d33-82a3-ba87-000000001266';
/** No order and no operation has it. */
export const UNKNOWN_ID = '01a20e65-570e-7570-bea6-000000000000';
export const LETTER_ID = 'orders.v1/3/4711';

/** An operation whose 100,000 orders are saved, in the state that follows from its fields. */
export function operation(changes: Partial<Omit<OperationResponse, 'state'>> = {}): OperationResponse {
  const all = { count: 100_000, generated: 100_000, acked: 100_000, saved: 100_000 };
  const sent = { startedAt: NOW, finishedAt: '2026-01-31T12:00:12.500Z', ratePerSecond: 8_000, etaSeconds: null };
  const { state: _, ...saved } = anOperation({ id: OPERATION, status: 'succeeded' as const, ...all, ...sent });
  const stated: Omit<OperationResponse, 'state'> = { ...saved, ...changes };
  return { ...stated, state: operationState(stated) };
}

/** An operation whose dead letters are more than its missing orders, because conflicts are extra records. */
const WITH_LETTERS = operation({
  faults: { poison: 0.00189, oversized: 0, duplicate: 0, conflict: 0.00208 },
  ackedFaults: { poison: 189, oversized: 0, duplicate: 0, conflict: 208 },
  saved: 99_811,
  deadLettered: 189,
  firstErrors: [{ index: 12_543, code: 'not-wire-format', message: 'the value does not begin with a magic byte' }],
});

const RETURNED_REDRIVE = operation({
  id: REDRIVE,
  kind: 'redrive',
  seed: null,
  count: 208,
  firstNumber: null,
  acked: 208,
  saved: 0,
  redrive: {
    filter: { errorCode: 'conflict' },
    limit: null,
    maxRedrives: 5,
    moved: 208,
    saved: 0,
    returned: 208,
    waiting: 0,
    missing: 0,
    unmovable: 0,
  },
});

type Group = DeadLetterGroups['items'][number];

/** A group of dead letters of one error. */
function group(errorCode: string, count: number, redriven: number, id: string, message: string): Group {
  return { errorCode, count, operations: 1, redriven, firstAt: NOW, lastAt: NOW, example: { id, message } };
}

const CONFLICT = { code: 'conflict', message: `another order has the id ${ORDER_ID}` };
export const CONFLICTS = group('conflict', 208, 208, LETTER_ID, CONFLICT.message);
export const GROUPS: DeadLetterGroups = {
  state: 'pending',
  total: 397,
  items: [
    CONFLICTS,
    group('not-wire-format', 189, 0, 'orders.v1/0/17', 'the value does not begin with a magic byte and a schema id'),
  ],
};

const LETTER: DeadLetterItem = {
  id: LETTER_ID,
  state: 'pending',
  origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: NOW },
  letter: { partition: 3, offset: 7 },
  operationId: OPERATION,
  index: 12_543,
  number: 12_544,
  fault: 'conflict',
  error: CONFLICT,
  attempts: 1,
  deadLetteredAt: NOW,
  redrives: 1,
  tries: [
    {
      redriveId: REDRIVE,
      at: NOW,
      sent: { partition: 3, offset: 9_000 },
      orderId: ORDER_ID,
      outcome: 'returned',
      endedAt: '2026-01-31T13:00:00.000Z',
    },
  ],
};

export const SAVED_ORDER: OrderResponse = {
  ...anOrderResponse({ id: ORDER_ID, number: 12_544, accountId: 'acc-0004711', quantity: 1_000, currency: 'USD' }),
  createdAt: NOW,
};

const VALUE = Buffer.from('\0\0\0\0\x01an order in Avro, or what is left of it');

export const FULL_LETTER: DeadLetterResponse = {
  ...LETTER,
  record: {
    timestamp: NOW,
    key: { size: 11, base64: Buffer.from('acc-0004711').toString('base64'), text: 'acc-0004711' },
    value: { size: VALUE.length, base64: VALUE.toString('base64'), text: null },
    valueFrom: 'letter',
    headers: [{ name: 'order-index', value: { size: 5, base64: 'MTI1NDM=', text: '12543' } }],
  },
  gone: null,
  decoded: { ...SAVED_ORDER, side: 'sell', quantity: 1_001, amount: '187537.3500' },
  undecodable: null,
};

/** What the page is configured with. */
export const PAGE_SETTINGS = {
  clientId: 'orders-console',
  queryApiUrl: 'http://127.0.0.1:3000',
  hasFacade: false,
  allowsFaults: true,
};

/** The trace of an order that was dead-lettered, and saved by a redrive. */
const TRACE: OrderTrace = {
  id: ORDER_ID,
  operationId: OPERATION,
  index: 12_543,
  chunk: { from: 12_000, to: 12_999 },
  partition: 3,
  offset: 9_000,
  attempts: 1,
  savedAt: '2026-01-31T13:00:02.350Z',
  steps: [
    { code: 'requested', at: NOW },
    { code: 'sent', at: '2026-01-31T12:00:00.120Z', partition: 3, offset: 4_711 },
    {
      code: 'dead-lettered',
      at: '2026-01-31T12:00:03.620Z',
      letterId: LETTER_ID,
      errorCode: 'refused-by-database',
      attempts: 5,
    },
    { code: 'redriven', at: '2026-01-31T13:00:00.000Z', redriveId: REDRIVE },
    { code: 'sent', at: '2026-01-31T13:00:01.500Z', partition: 3, offset: 9_000 },
    { code: 'fetched', at: '2026-01-31T13:00:01.540Z' },
    { code: 'taken', at: '2026-01-31T13:00:01.555Z' },
    { code: 'started', at: '2026-01-31T13:00:01.556Z', attempts: 1 },
    { code: 'saved', at: '2026-01-31T13:00:02.350Z' },
  ],
  traceUrl: 'http://localhost:16686/trace/0af7651916cd43dd8448eb211c80319c',
};

/** Answers as a pipeline that saves an operation, and has dead letters. */
export function answerBusy(origin: ScriptedOrigin): void {
  origin.answer({
    'GET /page-settings.json': PAGE_SETTINGS,
    'GET /query-api/metrics': '',
    'GET /v1/pipeline/history': { series: [] },
    'GET /v1/operations?': { items: [RETURNED_REDRIVE, WITH_LETTERS], page: { size: 6 } },
    [`GET /v1/operations/${OPERATION}`]: WITH_LETTERS,
    [`GET /v1/operations/${REDRIVE}`]: RETURNED_REDRIVE,
    'GET /v1/dead-letters': GROUPS,
    'GET /v1/dead-letters/records?': { items: [LETTER], page: { size: 100 } },
    [`GET /v1/dead-letters/records/${LETTER_ID}`]: FULL_LETTER,
    'POST /v1/dead-letters/redrive': { letters: 208, spent: 0, errors: [{ errorCode: 'conflict', count: 208 }] },
    'GET /v1/orders': { items: [SAVED_ORDER], page: { number: 1, size: 20 } },
    [`GET /v1/orders/${ORDER_ID}`]: SAVED_ORDER,
    [`GET /v1/orders/${ORDER_ID}/trace`]: TRACE,
  });
  origin.show(aPipeline());
}

/** Answers as a pipeline that has done nothing yet. */
export function answerEmpty(origin: ScriptedOrigin): void {
  answerBusy(origin);
  origin.answer({
    'GET /v1/operations?': { items: [], page: { size: 6 } },
    'GET /v1/dead-letters': { state: 'pending', total: 0, items: [] },
    'GET /v1/orders': { items: [], page: { number: 1, size: 20 } },
  });
  origin.show(aPipeline({ producedPerSecond: 0, savedPerSecond: 0, inFlight: 0, lagRecords: 0, deadLetters: 0 }));
}

/** Answers as a console that runs while every service behind it is unavailable. */
export function answerFailing(origin: ScriptedOrigin): void {
  const detail = 'The producer does not answer. Try again in a moment.';
  const body = { title: 'Service Unavailable', code: 'service-away', detail };
  answerBusy(origin);
  for (const route of ['GET /v1/operations', 'GET /v1/dead-letters', 'GET /v1/orders', 'POST /v1/'])
    origin.on(route, { status: 503, body });
  origin.show(aPipeline({ savedPerSecond: null, inFlight: null, partitions: null, consumers: null, lagRecords: null }));
}

export const REVERTED = aDecision(2, {
  kind: 'revert',
  reason: 'no-gain',
  from: 4,
  to: 2,
  text: 'back to 2 consumers: 4 consumers did not help (1.02 times the throughput), bound by keys: too few are active',
  verdict: { from: 2, to: 4, outcome: 'no-gain', factor: 1.02, bound: 'keys' },
});
const BOUND =
  '2 consumers stay, although orders wait: 4 did not help (1.02 times the throughput), bound by keys: too few are active';

/** Answers as a busy pipeline with an autoscaler whose last step was reverted. */
export function answerAutoscaling(
  change: Partial<AutoscalingView> = {},
  decisions: readonly DecisionItem[] = [REVERTED, aDecision(1)],
): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    origin.answer({ 'GET /v1/pipeline/autoscaling/decisions': { items: decisions, page: { size: 5 } } });
    const now = { ...STEP_UP, kind: 'keep' as const, reason: 'bound' as const, to: 2, text: BOUND };
    origin.show(aPipeline({ autoscaling: anAutoscaling({ now, newest: REVERTED, ...change }) }));
  };
}

const PAGE = join(PROJECT_DIRECTORY, 'dist/apps/console/page');
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/** A request that the page sent. */
interface SentRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

/** An answer as JSON; `cut`: only its first characters, and then the connection breaks. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly body: unknown;
  readonly cut?: boolean;
}

type Handler = (request: SentRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/**
 * An origin that serves the console's page and answers its requests as a test says. For states that a real pipeline reaches seldom or
 * slowly: empty, failing, cut, expired. The answers are typed by the services' own response types.
 */
export class ScriptedOrigin {
  readonly requests: SentRequest[] = [];
  private readonly handlers: { readonly route: string; readonly handler: Handler }[] = [];
  private readonly streams = new Set<ServerResponse>();
  private pipeline: PipelineResponse | undefined;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ScriptedOrigin> {
    const server = createServer();
    const origin = new ScriptedOrigin(server);
    server.on('request', (request, response) => void origin.respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return origin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Forgets all answers and requests; the page reconnects. */
  reset(): void {
    this.handlers.length = 0;
    this.requests.length = 0;
    this.pipeline = undefined;
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  /** Answers requests whose method and path begin with `route`, such as `GET /v1/orders`. The latest matching answer wins. */
  on(route: string, answer: ScriptedAnswer | Handler): void {
    this.handlers.unshift({ route, handler: typeof answer === 'function' ? answer : () => answer });
  }

  /** Answers each of these routes with a body. */
  answer(bodies: Readonly<Record<string, unknown>>): void {
    for (const [route, body] of Object.entries(bodies)) this.on(route, { body });
  }

  /** Sends the state of the pipeline to each connected page, and to those that connect later. */
  show(pipeline: PipelineResponse): void {
    this.pipeline = pipeline;
    for (const stream of this.streams) send(stream, pipeline);
  }

  sent(route: string): SentRequest[] {
    return this.requests.filter(({ method, path }) => `${method} ${path}`.startsWith(route));
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = request;
    if (!path.startsWith('/v1/') && !path.startsWith('/query-api/') && path !== '/page-settings.json') {
      await serveFile(new URL(path, this.url).pathname, response);
      return;
    }
    const body = await text(request);
    const sent: SentRequest = { method, path, headers, body: body === '' ? undefined : JSON.parse(body) };
    this.requests.push(sent);
    const found = this.handlers.find(({ route }) => `${method} ${path}`.startsWith(route));
    if (path === '/v1/pipeline/events' && found === undefined) this.stream(response);
    else
      respondWith(
        response,
        (await found?.handler(sent)) ?? { status: 404, body: { title: 'Not Found', code: 'not-found' } },
      );
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    this.streams.add(response);
    response.once('close', () => this.streams.delete(response));
    if (this.pipeline !== undefined) send(response, this.pipeline);
  }
}

function send(stream: ServerResponse, pipeline: PipelineResponse): void {
  stream.write(`event: pipeline\ndata: ${JSON.stringify(pipeline)}\n\n`);
}

function respondWith(response: ServerResponse, { status = 200, body, cut = false }: ScriptedAnswer): void {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
  if (!cut) response.end(json);
  else response.write(json.slice(0, json.length / 2), () => response.destroy());
}

async function serveFile(path: string, response: ServerResponse): Promise<void> {
  const file = path === '/' ? 'index.html' : path.slice(1);
  response.setHeader('content-type', TYPES[file.split('.').at(-1) ?? ''] ?? 'text/plain');
  response.end(await readFile(join(PAGE, file)));
}

/** A scripted origin that records the figures of a pipeline, as the console does, and as fast as its caller wants. */
export class ImitatedConsole {
  private readonly history = new FigureHistory();
  private passed = 0;

  /** @param startSecond time of the first event, in seconds since 1970 */
  constructor(
    private readonly origin: ScriptedOrigin,
    private readonly startSecond: number,
  ) {
    answerEmpty(origin);
    origin.show(pipelineAt(startSecond, 0));
    origin.on('GET /v1/pipeline/history', () => ({ body: { series: this.history.recorded() } }));
  }

  static async start(startSecond: number): Promise<ImitatedConsole> {
    return new ImitatedConsole(await ScriptedOrigin.start(), startSecond);
  }

  stop(): void {
    this.origin.close();
  }

  get url(): string {
    return this.origin.url;
  }

  /** The lag in the last event. */
  get lag(): number {
    return 10 * this.passed;
  }

  /** Records seconds, and sends their events to a page that is connected. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) {
      this.passed += 1;
      const state = pipelineAt(this.startSecond + this.passed, this.passed);
      const { producedPerSecond: produced, savedPerSecond: saved, inFlight, lagRecords: lag } = state;
      this.history.add(this.startSecond + this.passed, { produced, saved, inFlight, lag, consumers: 2 });
      this.origin.show(state);
    }
  }
}

function pipelineAt(second: number, passed: number): PipelineResponse {
  return aPipeline({
    at: new Date(1_000 * second).toISOString(),
    producedPerSecond: 4_000 + (passed % 700),
    savedPerSecond: 3_900 + (passed % 500),
    lagRecords: 10 * passed,
    changes: Array.from({ length: 20 }, (_, index) => {
      const secondsAgo = 180 * (19 - index);
      return aChange({ kind: 'rebalance', at: new Date(1_000 * (second - secondsAgo)).toISOString(), secondsAgo });
    }),
  });
}
