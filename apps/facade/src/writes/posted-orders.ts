import { pause, type Clock } from '@orders-pipeline/clock';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacyRequest } from '#legacy/translation/from-legacy.js';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { NotAdmittedError } from '../intents/admission.js';
import { writeRoute } from '../stages/migration-snapshot.js';
import type { WriteStage } from '../stages/capability.js';
import type { MigrationState } from '../state/migration-state.js';
import type { FencedWrites } from './fenced-writes.js';
import { errorAnswer, noAnswer } from './legacy-answer.js';
import type { ForwardedRequest, LegacyAnswer } from './legacy-port.js';
import type { UnfencedWrites } from './unfenced-writes.js';
import type { UntranslatableWrites } from './untranslatable-writes.js';
import { timeLimit } from '#orders/time-limit.js';

const WAIT_LIMIT_MS = timeLimit(2_000);
const POLL_MS = 20;

export interface PostedParts {
  readonly state: MigrationState;
  readonly unfenced: UnfencedWrites;
  readonly fenced: FencedWrites;
  readonly untranslatable: UntranslatableWrites;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
}

/** `POST /orders` and `POST /populate` of the legacy system's API, at every stage of writes. */
export class PostedOrders {
  constructor(private readonly parts: PostedParts) {}

  /**
   * Stores an order on the side that answers at this stage, and lets the outbox write the other.
   * @throws NotAdmittedError, StateUnknownError: nothing was stored
   */
  async post(request: ForwardedRequest, signal: AbortSignal): Promise<LegacyAnswer> {
    const { clock, state, unfenced } = this.parts;
    const deadline = clock.now() + WAIT_LIMIT_MS;
    for (;;) {
      const end = state.beginUnfenced();
      if (end !== undefined) return unfenced.post(request, end);
      const snapshot = await state.current();
      const route = writeRoute(snapshot);
      if (route === 'unfenced') continue;
      const answer =
        route === 'fenced'
          ? await this.fenced(request, deadline, signal, snapshot.capabilities.writes.stage)
          : undefined;
      if (answer !== undefined) return answer;
      if (clock.now() >= deadline)
        throw new NotAdmittedError('handing-over', 'writes wait for a change of their stage. Retry in a second.');
      await pause(clock, POLL_MS);
      await state.newest();
    }
  }

  /** Outside `off`, the legacy system must not number orders by itself. */
  async populate(request: ForwardedRequest): Promise<LegacyAnswer> {
    const { state, unfenced } = this.parts;
    await state.current().catch(() => undefined);
    const end = state.beginUnfenced();
    if (end === undefined) {
      const stage = state.latest?.capabilities.writes.stage;
      // After an hour without MongoDB, they may have left `off`.
      if (stage === undefined || stage === 'off') await state.current();
      return errorAnswer(
        409,
        'populate-outside-off',
        `populate works only while writes are off, they are ${stage ?? 'unknown'}`,
      );
    }
    try {
      return await unfenced.postOnce(request, end);
    } catch (error) {
      return noAnswer(error);
    }
  }

  private async fenced(
    request: ForwardedRequest,
    deadline: number,
    signal: AbortSignal,
    stage: WriteStage,
  ): Promise<LegacyAnswer | undefined> {
    const { fenced, untranslatable, zone } = this.parts;
    const parsed = parseStrictJson(request.body);
    if ('fault' in parsed) return untranslatable.post(request, parsed.fault, stage);
    const read = fromLegacyRequest(parsed.value, zone);
    if ('reason' in read) return untranslatable.post(request, read.reason, stage);
    return fenced.post(read.request, deadline, signal);
  }
}
