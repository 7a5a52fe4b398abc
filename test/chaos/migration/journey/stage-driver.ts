import { setTimeout as delay } from 'node:timers/promises';
import type { WriteStage } from '../../../../apps/facade/src/stages/capability.js';
import type { MigrationResponse } from '../../../../apps/facade/src/migration/migration-response.js';
import { reasonOf } from '../../load/api-response.js';
import type { FacadeAddress } from '../ground/migration-apps.js';
import { POSITIONS, type PositionName } from './columns.js';
import { nextStep } from './next-step.js';

/** Longer than a facade waits for all acknowledgements of a change. */
const TIMEOUT_MS = 15_000;
const RETRY_MS = 200;

interface Refused {
  readonly code?: string;
  readonly detail?: string;
  readonly gate?: readonly { readonly condition: string; readonly holds: boolean }[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface Run {
  readonly id: string;
  readonly status: string;
  readonly result: string | null;
}

/** Moves the migration from position to position, as an operator would: asks again, any facade, until a change is done. */
export class StageDriver {
  /** Refusals of changes, by code. */
  readonly refusals = new Map<string, number>();
  /** Results of verifications. */
  readonly verified: string[] = [];
  /** Answers that no fault may cause, one line each. */
  readonly problems = new Set<string>();
  private asked = 0;
  private moving = 0;
  private writes: { readonly stage: WriteStage; readonly since: number } = { stage: 'off', since: 0 };

  constructor(
    private readonly facades: readonly FacadeAddress[],
    private readonly now: () => number,
  ) {}

  /**
   * The stage of all writes that were first sent since a time, if the legacy system answers them for certain: no change is under way, and no
   * automatic rollback can be.
   */
  certainWrites(sentAt: number): 'off' | 'dualwrite' | undefined {
    const { stage, since } = this.writes;
    if (this.moving > 0 || sentAt < since) return undefined;
    return stage === 'off' || stage === 'dualwrite' ? stage : undefined;
  }

  /**
   * Moves to a position, also after an automatic rollback meanwhile.
   * @param readsFirst which of reads and writes goes first where both may
   * @throws Error if it is not there within the limit
   */
  async moveTo(name: PositionName, readsFirst: boolean, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    let problem = 'no facade answered';
    this.moving += 1;
    try {
      while (performance.now() < deadline) {
        const state = await this.state().catch(() => undefined);
        const step = state === undefined ? undefined : nextStep(state.capabilities, POSITIONS[name], readsFirst);
        if (state !== undefined && step === undefined && state.change === null) {
          const { stage } = POSITIONS[name].writes;
          if (stage !== this.writes.stage) this.writes = { stage, since: this.now() };
          return;
        }
        if (step !== undefined) {
          const { capability, ...to } = step;
          const answer = await this.ask(`/v1/migration/${capability}`, { ...to, reason: `to ${name}` });
          if (answer?.status === 200) continue;
          problem = await this.refused(answer?.body as Refused | undefined, deadline);
        }
        await delay(RETRY_MS);
      }
      throw new Error(`the migration did not come to ${name} within ${withinMs / 1_000} s: ${problem}`);
    } finally {
      this.moving -= 1;
    }
  }

  /** Starts a run over all orders, and waits for its end. @returns its result @throws Error if it has not ended within the limit */
  async run(kind: 'backfill' | 'verify', withinMs: number): Promise<string> {
    const deadline = performance.now() + withinMs;
    let id: string | undefined;
    while (performance.now() < deadline) {
      const found =
        id === undefined ? await this.ask(`/v1/migration/${kind}`, {}) : await this.ask(`/v1/migration/${kind}/${id}`);
      const run = found?.body as Run | undefined;
      if (run !== undefined && [200, 202, 409].includes(found?.status ?? 0)) ({ id } = run);
      if (found?.status === 200 && run?.status === 'ended') {
        const result = run.result ?? 'none';
        if (kind === 'verify') this.verified.push(result);
        return result;
      }
      await delay(RETRY_MS);
    }
    throw new Error(`the ${kind} has not ended within ${withinMs / 1_000} s`);
  }

  /** Returns the state. @throws Error if the facade whose turn it is does not answer */
  async state(): Promise<MigrationResponse> {
    const answer = await this.ask('/v1/migration');
    if (answer?.status !== 200) throw new Error(`no state: status ${answer?.status ?? 'none'}`);
    return answer.body as MigrationResponse;
  }

  private async refused(body: Refused | undefined, deadline: number): Promise<string> {
    const code = body?.code ?? 'no answer';
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    const unmet = (body?.gate ?? []).filter(({ holds }) => !holds).map(({ condition }) => condition);
    if (unmet.includes('verify')) await this.run('verify', deadline - performance.now()).catch(reasonOf);
    return [code, body?.detail ?? '', ...unmet].join(' ');
  }

  /** Asks one facade after another. @returns `undefined` without an answer */
  private async ask(path: string, body?: object): Promise<Answer | undefined> {
    const { url } = this.facades[this.asked++ % this.facades.length] ?? { url: '' };
    try {
      const response = await fetch(`${url}${path}`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body !== undefined && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      });
      const text = await response.text();
      if (response.status >= 500 && response.status !== 503)
        this.problems.add(`${path} was answered by ${response.status} ${text.slice(0, 200)}`);
      return { status: response.status, body: JSON.parse(text) as unknown };
    } catch {
      // This facade is being killed, hangs, or starts: the next one is asked.
      return undefined;
    }
  }
}
