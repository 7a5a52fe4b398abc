import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { betweenTries, eventually } from '../support/eventually.js';
import { legacyPairs } from '../support/imports.js';
import type { RetryingClient } from './retrying-client.js';

const POLL_MS = 500;

/** A request that starts an operation, and its key. Each try needs a new body. */
type Start = () => { readonly path: string; readonly init: () => RequestInit };

/** One operation of each kind lasts for about 15 s. */
const STARTS = {
  populate: () => json('/v1/populate', { count: 3_000, ratePerSecond: 200 }),
  import: () => form('/v1/imports?ratePerSecond=20&chunkSize=50', legacyPairs(300, Math.floor(Math.random() * 1e9))),
  redrive: () => json('/v1/dead-letters/redrive', { ...nextLetters(), limit: 30, ratePerSecond: 2, maxRedrives: 100 }),
} as const satisfies Record<string, Start>;

let redrives = 0;

/** Selects by turns letters that are saved then, as long as there are some, and all, most of which return. */
function nextLetters(): object {
  redrives += 1;
  return redrives % 2 === 1 ? { errorCode: 'unknown-schema' } : { all: true };
}

type Kind = keyof typeof STARTS;
const KINDS = Object.keys(STARTS) as Kind[];

/** Keeps a populate, an import and a redrive under way: when one ends, another one starts. */
export class WorkUnderWay {
  /** The operations of each kind, oldest first. */
  readonly ids: Readonly<Record<Kind, string[]>> = { populate: [], import: [], redrive: [] };
  private readonly first: Partial<Record<Kind, ReturnType<Start>>> = {};
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;

  private constructor(private readonly producer: RetryingClient) {
    this.running = Promise.all(KINDS.map(async (kind) => this.keep(kind)));
    // The error is that of `stop`.
    this.running.catch(() => this.stopping.abort());
  }

  /** Resolves once each kind has sent something. */
  static async start(producer: RetryingClient): Promise<WorkUnderWay> {
    const work = new WorkUnderWay(producer);
    await eventually('work of each kind is under way', async () => {
      work.stopping.signal.throwIfAborted();
      const operations = await work.latest();
      return operations.length === KINDS.length && operations.every(hasSent);
    });
    return work;
  }

  /** Starts no more, and waits until everything is sent, and all that was sent is saved or dead-lettered. @returns the final states */
  async stop(): Promise<OperationResponse[]> {
    this.stopping.abort();
    await this.running;
    const ids = KINDS.flatMap((kind) => this.ids[kind]);
    const ended: OperationResponse[] = [];
    for (const id of ids) {
      let operation = await this.operation(id);
      await eventually(`operation ${id} has ended`, async () => {
        operation = await this.operation(id);
        return hasEnded(operation) || operation;
      });
      ended.push(operation);
    }
    return ended;
  }

  /** Repeats the first request of each kind under its key. @returns the ids of the operations that answered */
  async repeatFirst(): Promise<string[]> {
    const ids: string[] = [];
    for (const kind of KINDS) {
      const request = this.first[kind];
      if (request !== undefined) ids.push((await this.request(request))?.id ?? '');
    }
    return ids;
  }

  private async keep(kind: Kind): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const request = STARTS[kind]();
      const operation = await this.request(request);
      if (operation === undefined) {
        await betweenTries(POLL_MS, this.stopping.signal);
        continue;
      }
      this.first[kind] ??= request;
      this.ids[kind].push(operation.id);
      while (!this.stopping.signal.aborted && (await this.operation(operation.id)).status === 'running')
        await betweenTries(POLL_MS, this.stopping.signal);
    }
  }

  /** @returns `undefined` while no dead letter matches */
  private async request({ path, init }: ReturnType<Start>): Promise<OperationResponse | undefined> {
    const { status, body } = await this.producer.request<OperationResponse>(path, init);
    if (status === 409) return undefined;
    if (status !== 202) throw new Error(`${path} responded with ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  private async latest(): Promise<OperationResponse[]> {
    const ids = KINDS.flatMap((kind) => this.ids[kind].slice(-1));
    return Promise.all(ids.map(async (id) => this.operation(id)));
  }

  private async operation(id: string): Promise<OperationResponse> {
    return (await this.producer.get<OperationResponse>(`/v1/operations/${id}`)).body;
  }
}

function hasSent({ kind, acked, redrive }: OperationResponse): boolean {
  return kind === 'redrive' ? (redrive?.moved ?? 0) > 0 : acked > 0;
}

function hasEnded({ kind, status, acked, saved, deadLettered, finishedAt }: OperationResponse): boolean {
  if (kind === 'redrive') return finishedAt !== null;
  return status === 'succeeded' && (saved ?? 0) + (deadLettered ?? 0) === acked;
}

function json(path: string, body: object): ReturnType<Start> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
  return { path, init: () => ({ method: 'POST', headers, body: JSON.stringify(body) }) };
}

function form(path: string, rows: readonly object[]): ReturnType<Start> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const init = (): RequestInit => {
    const body = new FormData();
    body.append('files', new Blob([JSON.stringify(rows)]), 'orders.json');
    return { method: 'POST', headers, body };
  };
  return { path, init };
}
