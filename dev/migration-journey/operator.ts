import type { Capability } from '../../apps/facade/src/stages/stages.js';
import type { GateCondition } from '../../apps/facade/src/stages/gate.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { type FacadeAddress, type Clients, requestFacade } from './clients.js';
import { nextStep, type Position, type Step } from './position.js';
import { waitUntil } from '../waits.js';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** A change that the facade refused. */
export interface Refused {
  readonly code: string;
  readonly detail: string;
  readonly gate: readonly GateCondition[];
}

/** A backfill or a verification. */
export interface MigrationRun {
  readonly id: string;
  readonly status: 'running' | 'ended' | 'cancelled';
  readonly problem: string | null;
  readonly result: string | null;
  readonly operationIds?: readonly string[];
  readonly translated?: number;
  readonly orders?: { readonly legacy: number; readonly new: number };
  readonly differences?: number;
}

/** The state of a capability, as a facade answers it. */
export type CapabilityState = MigrationResponse['capabilities'][Capability];

interface MoveOptions {
  /** Which of reads and writes goes first where the rules allow both. Default: writes. */
  readonly readsFirst?: boolean;
  readonly withinMs: number;
  /** For the audit. */
  readonly reason: string;
  /** Returns why a step must not be asked for yet. Default: it always may. */
  readonly waitsFor?: (step: Step, state: CapabilityState) => string | undefined;
  /** Called for each step that was made, with the state before it. */
  readonly onMoved?: (step: Step, before: CapabilityState) => void;
  /** Called for each refusal, and for a request without an answer; the step is asked for again. */
  readonly onRefused?: (step: Step, refused: Refused) => Promise<void> | void;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A change of writes waits up to ten seconds for all instances. */
const TIMEOUT_MS = 30_000;
const ANSWERED_WITHIN_MS = 20_000;
const NO_ANSWER: Refused = { code: 'no answer', detail: '', gate: [] };

/** The operator of a migration: uses the migration's own API, at any facade that answers. */
export class Operator {
  /** Answers that no fault may cause, one line each. */
  readonly problems = new Set<string>();
  private asked = 0;

  constructor(
    private readonly facades: readonly FacadeAddress[],
    private readonly signal: AbortSignal,
  ) {}

  /** Asks one facade, each time the next one. @returns `undefined` without an answer: it is being killed, hangs, or starts */
  async ask(path: string, body?: object): Promise<Answer | undefined> {
    this.signal.throwIfAborted();
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
      return undefined;
    }
  }

  /** Asks one facade after another until one answers. @throws Error for another status than 200, or after 20 s */
  async get<T>(path: string): Promise<T> {
    return waitUntil(`an answer for ${path}`, ANSWERED_WITHIN_MS, this.signal, async () => {
      const answer = await this.ask(path);
      if (answer === undefined || answer.status >= 500) return undefined;
      if (answer.status === 200) return answer.body as T;
      throw new Error(`${path} responded with ${answer.status}: ${JSON.stringify(answer.body)}`);
    });
  }

  /** Returns the state. @throws Error if the facade whose turn it is does not answer */
  async state(): Promise<MigrationResponse> {
    const answer = await this.ask('/v1/migration');
    if (answer?.status !== 200) throw new Error(`no state: status ${answer?.status ?? 'none'}`);
    return answer.body as MigrationResponse;
  }

  /** Asks for one change, never by force. @returns the refusal; `undefined` if the change was made */
  async move({ capability, ...to }: Step, reason: string): Promise<Refused | undefined> {
    const answer = await this.ask(`/v1/migration/${capability}`, { ...to, reason });
    if (answer?.status === 200) return undefined;
    return { ...NO_ANSWER, ...(answer?.body as Partial<Refused> | undefined) };
  }

  /**
   * Moves to a position step by step, also after an automatic rollback meanwhile.
   * @throws Error if it is not there within the limit
   */
  async moveTo(goal: Position, options: MoveOptions): Promise<void> {
    const { readsFirst = false, withinMs, reason, waitsFor, onMoved, onRefused } = options;
    let problem = 'no facade answered';
    await waitUntil(
      () => `${reason} (${problem})`,
      withinMs,
      this.signal,
      async () => {
        for (;;) {
          const state = await this.state().catch(() => undefined);
          if (state === undefined) return undefined;
          const step = nextStep(state.capabilities, goal, readsFirst);
          if (step === undefined) return state.change === null ? true : undefined;
          const before = state.capabilities[step.capability];
          const waiting = waitsFor?.(step, before);
          if (waiting !== undefined) {
            problem = waiting;
            return undefined;
          }
          const refused = await this.move(step, reason);
          if (refused === undefined) {
            onMoved?.(step, before);
            continue;
          }
          const unmet = refused.gate.filter(({ holds }) => !holds).map(({ condition }) => condition);
          problem = [refused.code, refused.detail, ...unmet].join(' ');
          await onRefused?.(step, refused);
          return undefined;
        }
      },
    );
  }

  /** Starts a run over all orders, unless one is running, and waits for its end. @throws Error if it has not ended within the limit */
  async run(kind: 'backfill' | 'verify', withinMs: number): Promise<MigrationRun> {
    const path = `/v1/migration/${kind}`;
    let id: string | undefined;
    return waitUntil(`the end of the ${kind}`, withinMs, this.signal, async () => {
      const answer = id === undefined ? await this.ask(path, {}) : await this.ask(`${path}/${id}`);
      const run = answer?.body as MigrationRun | undefined;
      if (run !== undefined && [200, 202, 409].includes(answer?.status ?? 0)) ({ id } = run);
      return answer?.status === 200 && run !== undefined && run.status !== 'running' ? run : undefined;
    });
  }
}

const POLL_MS = 100;
const FRESH_MS = 3_000;
const READY_TIMEOUT_MS = 3_000;
const PROBE_TIMEOUT_MS = 9_000;

interface RecoveringSystem {
  readonly facades: readonly FacadeAddress[];
  readonly operator: Operator;
  readonly clients: Clients;
  areReady(): Promise<boolean>;
  /** Counts the writes that are not final. */
  openIntents(): Promise<number>;
}

/**
 * Waits until all apps are ready, all facades know the newest state, each has answered a read and a write, and, without requests of clients,
 * no intent is open. The clients are paused then. @returns whether that is so within the limit
 */
export async function untilRecovered(system: RecoveringSystem, withinMs: number): Promise<boolean> {
  const { facades, operator, clients } = system;
  const deadline = performance.now() + withinMs;
  const until = async (condition: () => Promise<boolean>): Promise<boolean> => {
    while (performance.now() < deadline) {
      // What does not answer has not recovered.
      if (await condition().catch(() => false)) return true;
      await delay(POLL_MS);
    }
    return false;
  };
  const isWhole = await until(async () => (await system.areReady()) && (await knowsState(operator)));
  // A circuit breaker of a facade may be open for longer than its side is unavailable.
  const answers = await Promise.all(facades.map(async (facade) => until(async () => answersAll(facade))));
  await clients.pause();
  return isWhole && answers.every(Boolean) && (await until(async () => (await system.openIntents()) === 0));
}

/** Whether a service reports that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // The service is starting, hangs or has ended.
    return false;
  }
}

async function knowsState(operator: Operator): Promise<boolean> {
  const { revision, change, instances } = await operator.state();
  const isCurrent = instances.every(
    (each) => each.revision === revision && Date.now() - new Date(each.refreshedAt).getTime() < FRESH_MS,
  );
  return change === null && isCurrent;
}

async function answersAll(facade: FacadeAddress): Promise<boolean> {
  const route = { next: () => [facade] };
  const order = { accountId: 'probe', side: 'buy', symbol: 'CHAOS', quantity: 1, price: 1.5, currency: 'EUR' };
  const answers = [
    await requestFacade(route, '/orders/range?start=1&end=1', PROBE_TIMEOUT_MS),
    await requestFacade(route, '/orders', PROBE_TIMEOUT_MS, { id: randomUUID(), ...order }),
  ];
  return answers.every(({ status }) => status !== null && status < 500);
}
