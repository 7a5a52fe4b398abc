import type { Observations } from '../comparison/observations.js';
import { MAX_COMPARED_BYTES, type Comparisons } from '../comparison/comparisons.js';
import type { FacadeMetrics } from '../facade-metrics.js';
import { responseHeadersOf } from '../sides/forwarded-headers.js';
import type { LegacySide } from '../sides/legacy-side.js';
import type { NewReads } from '../sides/new-reads.js';
import type { SideName } from '../sides/side.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { SideRequest } from '../sides/side-connection.js';
import type { ReadCapability } from '../stages/capability.js';
import { answerBody, type AnswerBody } from './answer-body.js';
import { askedOrders, readKey, type LegacyRead } from './legacy-read.js';
import type { ParsedRead } from './legacy-parameters.js';
import type { AwaitedIntents, ReadStages, StageOfRead } from './read-stages.js';

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
export class RejectedParametersError extends Error {
  override readonly name = 'RejectedParametersError';
  readonly statusCode = 400;
}

export interface ReadParts {
  readonly stages: ReadStages;
  readonly intents: AwaitedIntents;
  readonly legacy: LegacySide;
  readonly newReads: NewReads;
  readonly comparisons: Pick<Comparisons, 'offer'>;
  readonly observations: Pick<Observations, 'record'>;
  readonly metrics: Pick<FacadeMetrics, 'answered' | 'failed'>;
}

const NEW_SIDE_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Answers the reads of the legacy system's API from the side that the stage of each read names, and has the sides compared. */
export class Reads {
  constructor(private readonly parts: ReadParts) {}

  /**
   * @throws SideAwayError if the answering side is away, RejectedParametersError, and what `ReadStages` and `AwaitedIntents` throw
   */
  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const { stages, metrics } = this.parts;
    const { capability, parsed, forwarded } = request;
    const began = performance.now();
    const key = 'read' in parsed ? readKey(parsed.read) : forwarded.path;
    const stage = await stages.stageOf(capability, key);
    if (!('read' in parsed)) return this.rejected(parsed.rejected, stage, forwarded);
    const side = stage.stage === 'off' || stage.stage === 'shadow' ? 'legacy' : 'new';
    const { read } = parsed;
    await this.parts.intents.untilReadable(side, askedOrders(read), forwarded.signal);
    const asked = performance.now();
    try {
      const answer = await this.ask(side, { request, read, stage, key });
      const answered = performance.now();
      this.record(capability, stage, side, answered - asked, answer.status >= 500);
      metrics.answered({ capability, side, addedMs: asked - began });
      return answer;
    } catch (error) {
      if (error instanceof SideAwayError) {
        this.record(capability, stage, side, performance.now() - asked, true);
        metrics.failed(capability, side);
      }
      throw error;
    }
  }

  private async ask(side: SideName, asked: Asked): Promise<ReadAnswer> {
    const { legacy, newReads } = this.parts;
    const { request, read, stage } = asked;
    const offer = this.offerFor(side, asked);
    if (side === 'new') {
      const pieces = encoded(newReads.answer(read, request.forwarded.signal));
      const onWhole = (bytes: Uint8Array<ArrayBuffer>): void => offer(200, NEW_SIDE_HEADERS['content-type'], bytes);
      return { status: 200, headers: NEW_SIDE_HEADERS, body: await answerBody(pieces, keptBytes(stage), onWhole) };
    }
    return legacy.forward(request.forwarded, async ({ status, headers, body }) => {
      const onWhole = (bytes: Uint8Array<ArrayBuffer>): void => offer(status, headers['content-type'], bytes);
      return {
        status,
        headers: responseHeadersOf(headers),
        body: await answerBody(body as AsyncIterable<Uint8Array>, keptBytes(stage), onWhole),
      };
    });
  }

  /** Returns a function that offers the whole answer for a comparison, if the stage has any. */
  private offerFor(side: SideName, { request, read, stage, key }: Asked) {
    return (status: number, contentType: string | undefined, bytes: Uint8Array<ArrayBuffer>): void => {
      if (!isCompared(stage)) return;
      const { capability } = request;
      const answer = { status, contentType, bytes };
      this.parts.comparisons.offer({ capability, version: stage.version, key, read, answered: { side, answer } });
    };
  }

  /** The legacy system itself rejects the parameters, as long as it answers at all. */
  private async rejected(message: string, { stage }: StageOfRead, forwarded: SideRequest): Promise<ReadAnswer> {
    if (stage === 'complete') throw new RejectedParametersError(message);
    return this.parts.legacy.forward(forwarded, async ({ status, headers, body }) => ({
      status,
      headers: responseHeadersOf(headers),
      body: await answerBody(body as AsyncIterable<Uint8Array>, 0, () => undefined),
    }));
  }

  private record(
    capability: ReadCapability,
    { version }: StageOfRead,
    side: SideName,
    ms: number,
    failed: boolean,
  ): void {
    this.parts.observations.record({ capability, version, side, ms, failed });
  }
}

interface Asked {
  readonly request: ReadRequest;
  readonly read: LegacyRead;
  readonly stage: StageOfRead;
  readonly key: string;
}

function isCompared({ stage }: StageOfRead): boolean {
  return stage === 'shadow' || stage === 'live';
}

function keptBytes(stage: StageOfRead): number {
  return isCompared(stage) ? MAX_COMPARED_BYTES : 0;
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
