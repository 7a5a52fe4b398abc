import type { Observations } from '../comparison/observations.js';
import { MAX_COMPARED_BYTES } from '../comparison/comparison-sources.js';
import type { Comparisons } from '../comparison/comparisons.js';
import type { AwaitedIntents } from '../intents/awaited-intents.js';
import type { FacadeMetrics } from '../facade-metrics.js';
import { responseHeadersOf } from '../sides/forwarded-headers.js';
import type { LegacySide } from '../sides/legacy-side.js';
import type { NewReads } from '../sides/new-reads.js';
import type { SideName } from '../sides/side.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { SideRequest } from '../sides/side-connection.js';
import { isComparedStage, type ReadCapability } from '../stages/capability.js';
import { answerBody, type AnswerBody } from './answer-body.js';
import { askedOrders, readKey, type LegacyRead } from '../sides/legacy-read.js';
import type { ParsedRead } from './legacy-parameters.js';
import type { ReadStages, StageOfRead } from '../stages/read-stages.js';

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

/** The reason of an abortion because the client has disconnected. It gets no answer. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'client-disconnected';
  readonly statusCode = 499;
}

export interface ReadParts {
  readonly stages: ReadStages;
  readonly intents: AwaitedIntents;
  readonly legacy: LegacySide;
  readonly newReads: NewReads;
  readonly comparisons: Pick<Comparisons, 'offer'>;
  readonly observations: Pick<Observations, 'begin'>;
  readonly metrics: Pick<FacadeMetrics, 'read' | 'added'>;
}

const NEW_SIDE_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** Answers the reads of the legacy system's API from the side that the stage of each read names, and has the sides compared. */
export class Reads {
  constructor(private readonly parts: ReadParts) {}

  /**
   * @throws SideAwayError if the answering side is away, RejectedParametersError, DisconnectedError, and what `ReadStages` and
   * `AwaitedIntents` throw
   */
  async answer(request: ReadRequest): Promise<ReadAnswer> {
    const { capability, parsed, forwarded } = request;
    let side: SideName | 'none' = 'none';
    try {
      const began = performance.now();
      const key = 'read' in parsed ? readKey(parsed.read) : forwarded.path;
      const stage = await this.parts.stages.stageOf(capability, key);
      side = stage.stage === 'off' || stage.stage === 'shadow' ? 'legacy' : 'new';
      if (!('read' in parsed)) return await this.rejected(parsed.rejected, stage, forwarded);
      return await this.read({ request, read: parsed.read, stage, key }, side, began);
    } catch (error) {
      this.parts.metrics.read(capability, side, codeOf(error));
      throw error;
    }
  }

  private async read(asked: Asked, side: SideName, began: number): Promise<ReadAnswer> {
    const { intents, metrics, observations } = this.parts;
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
      ended(error instanceof SideAwayError ? { ms: performance.now() - askedAt, failed: true } : undefined);
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
      if (!isComparedStage(stage.stage)) return;
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
}

interface Asked {
  readonly request: ReadRequest;
  readonly read: LegacyRead;
  readonly stage: StageOfRead;
  readonly key: string;
}

function keptBytes({ stage }: StageOfRead): number {
  return isComparedStage(stage) ? MAX_COMPARED_BYTES : 0;
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'error';
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
