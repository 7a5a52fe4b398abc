import { Readable } from 'node:stream';
import { type LegacyRead, type SideName, SideUnavailableError, askedOrders, readKey } from '../sides/side.js';
import type { Observations } from '../comparison/observations.js';
import { MAX_COMPARED_BYTES, type Comparisons } from '../comparison/comparisons.js';
import type { MigrationState } from '../migration/migration-state.js';
import type { OpenIntents } from '../writes/open-intents.js';
import type { FacadeMetrics } from '../facade-metrics.js';
import { joined, responseHeadersOf, type SideRequest, type SideResponse } from '../sides/side-connection.js';
import type { SidePair } from '../sides/sides.js';
import { primarySide, isComparedStage, type ReadCapability, type StageOfRead } from '../stages/stages.js';

/** The limits of the legacy system. */
const MAX_NUMBER = 1_000_000_000;
const MAX_PAGE = MAX_NUMBER / 1_000;
const SHOWN_CHARACTERS = 40;

/** A read, or the message with which the legacy system rejects its parameters. */
export type ParsedRead = { readonly read: LegacyRead } | { readonly rejected: string };

type Parameter = string | readonly string[] | undefined;

export function readById(id: string): ParsedRead {
  return { read: { capability: 'read-by-id', id } };
}

export function readByPage(text: Parameter): ParsedRead {
  const page = wholeNumber('page', text, MAX_PAGE);
  return typeof page === 'string' ? { rejected: page } : { read: { capability: 'read-by-page', page } };
}

export function readByRange(query: Readonly<Record<string, Parameter>>): ParsedRead {
  const start = wholeNumber('start', query['start'], MAX_NUMBER);
  if (typeof start === 'string') return { rejected: start };
  const end = wholeNumber('end', query['end'], MAX_NUMBER);
  if (typeof end === 'string') return { rejected: end };
  if (end < start) return { rejected: `end must not be below start, got ${end}` };
  return { read: { capability: 'read-by-range', start, end } };
}

/** Returns the number, or the legacy system's message. */
function wholeNumber(name: string, text: Parameter, largest: number): number | string {
  const value = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= largest) return value;
  return `${name} must be an integer from 1 to ${largest}, got ${String(text).slice(0, SHOWN_CHARACTERS)}`;
}

/** Up to this size an answer is sent as a whole. A longer one is sent while it arrives, in bounded memory. */
const WHOLE_BYTES = 1024 * 1024;

/** The body of an answer: a whole one, or the rest of a long one while it arrives. */
type AnswerBody = Buffer | Readable;

/**
 * Reads the beginning of an answer, so that a side that fails before it gives an error instead of a cut answer. A longer answer that
 * breaks off ends the client's connection: the client must not take it for a whole one.
 * @param onWhole called with the whole answer once it has arrived, unless it has more than `keptBytes`
 */
export async function answerBody(
  pieces: AsyncIterable<Uint8Array>,
  keptBytes: number,
  onWhole: (bytes: Uint8Array<ArrayBuffer>) => void,
): Promise<AnswerBody> {
  const iterator = pieces[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  for (let length = 0; length <= WHOLE_BYTES;) {
    const { done, value } = await iterator.next();
    if (done) {
      const whole = joined(read);
      onWhole(whole);
      return Buffer.from(whole.buffer);
    }
    read.push(value);
    length += value.length;
  }
  return Readable.from(whileItArrives(read, { [Symbol.asyncIterator]: () => iterator }, keptBytes, onWhole), {
    objectMode: false,
  });
}

async function* whileItArrives(
  read: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
  keptBytes: number,
  onWhole: (bytes: Uint8Array<ArrayBuffer>) => void,
): AsyncGenerator<Uint8Array> {
  let kept: Uint8Array[] | undefined = [];
  let length = 0;
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length > keptBytes) kept = undefined;
    else kept?.push(piece);
  };
  for (const piece of read) {
    keep(piece);
    yield piece;
  }
  for await (const piece of rest) {
    keep(piece);
    yield piece;
  }
  if (kept !== undefined) onWhole(joined(kept));
}

/** A read as it came from a client. */
export interface ReadRequest {
  readonly capability: ReadCapability;
  readonly parsed: ParsedRead;
  /** The client's request, to be sent to the legacy system. Its signal aborts when the client disconnects. */
  readonly forwarded: SideRequest & { readonly signal: AbortSignal };
}

export interface ReadAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: AnswerBody;
}

/** Thrown for parameters that the legacy system rejects, once it is not asked any more. */
class RejectedParametersError extends Error {
  override readonly name = 'RejectedParametersError';
  readonly statusCode = 400;
}

/** The reason of an abortion because the client has disconnected. It gets no answer. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'client-disconnected';
  readonly statusCode = 499;
}

export interface ReadDependencies {
  readonly stages: Pick<MigrationState, 'stageOf'>;
  readonly intents: Pick<OpenIntents, 'untilReadable'>;
  readonly sides: SidePair;
  readonly comparisons: Pick<Comparisons, 'offer'>;
  readonly observations: Pick<Observations, 'begin'>;
  readonly metrics: Pick<FacadeMetrics, 'read' | 'added'>;
}

const TARGET_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Answers the reads of the legacy system's API from the side that the stage of each read names, and has the sides compared. */
export class Reads {
  constructor(private readonly dependencies: ReadDependencies) {}

  /**
   * @throws SideUnavailableError if the primary is unavailable, RejectedParametersError, DisconnectedError, and what `MigrationState` and
   * `OpenIntents` throw
   */
  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const { capability, parsed, forwarded } = request;
    let side: SideName | 'none' = 'none';
    try {
      const began = performance.now();
      const key = 'read' in parsed ? readKey(parsed.read) : forwarded.path;
      const stage = await this.dependencies.stages.stageOf(capability, key);
      side = primarySide(stage.stage);
      if (!('read' in parsed)) return await this.rejected(parsed.rejected, stage, forwarded);
      return await this.read({ request, read: parsed.read, stage, key }, side, began);
    } catch (error) {
      this.dependencies.metrics.read(capability, side, codeOf(error));
      throw error;
    }
  }

  private async read(asked: Asked, side: SideName, began: number): Promise<ReadAnswer> {
    const { intents, metrics, observations } = this.dependencies;
    const { capability, forwarded } = asked.request;
    const { version } = asked.stage;
    await intents.untilReadable(side, askedOrders(asked.read), forwarded.signal);
    const askedAt = performance.now();
    const ended = observations.begin({ capability, version, side });
    try {
      const answer = await this.ask(side, asked);
      const isFailure = answer.status >= 500;
      ended({ ms: performance.now() - askedAt, failed: isFailure });
      metrics.read(capability, side, isFailure ? 'failed' : 'answered');
      metrics.added(capability, askedAt - began);
      return answer;
    } catch (error) {
      ended(error instanceof SideUnavailableError ? { ms: performance.now() - askedAt, failed: true } : undefined);
      throw error;
    }
  }

  private async ask(side: SideName, asked: Asked): Promise<ReadAnswer> {
    const { sides } = this.dependencies;
    const { forwarded } = asked.request;
    if (side === 'new') {
      const pieces = encoded(sides.new.reads.answer(asked.read, forwarded.signal));
      return this.answered(side, asked, { status: 200, headers: TARGET_HEADERS }, pieces);
    }
    return sides.legacy.forward(forwarded, async ({ status, headers, body }) =>
      this.answered(side, asked, { status, headers }, body as AsyncIterable<Uint8Array>),
    );
  }

  /** Returns an answer, and offers it for a comparison once it is whole, if the stage has any. */
  private async answered(
    side: SideName,
    { request, read, stage, key }: Asked,
    { status, headers }: Pick<SideResponse, 'status' | 'headers'>,
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<ReadAnswer> {
    const isCompared = isComparedStage(stage.stage);
    const offer = (bytes: Uint8Array<ArrayBuffer>): void => {
      if (!isCompared) return;
      const { capability } = request;
      const answer = { status, contentType: headers['content-type'], bytes };
      this.dependencies.comparisons.offer({
        capability,
        version: stage.version,
        key,
        read,
        answered: { side, answer },
      });
    };
    const body = await answerBody(pieces, isCompared ? MAX_COMPARED_BYTES : 0, offer);
    return { status, headers: responseHeadersOf(headers), body };
  }

  /** The legacy system itself rejects the parameters, as long as it answers at all. */
  private async rejected(message: string, { stage }: StageOfRead, forwarded: SideRequest): Promise<ReadAnswer> {
    if (stage === 'complete') throw new RejectedParametersError(message);
    return this.dependencies.sides.legacy.forward(forwarded, async ({ status, headers, body }) => ({
      status,
      headers: responseHeadersOf(headers),
      body: await answerBody(body as AsyncIterable<Uint8Array>, 0, () => undefined),
    }));
  }
}

interface Asked {
  readonly request: ReadRequest;
  readonly read: LegacyRead;
  readonly stage: StageOfRead;
  readonly key: string;
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'error';
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
