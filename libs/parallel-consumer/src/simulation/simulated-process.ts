import type { Clock } from '@orders-pipeline/clock';
import type { KafkaConnections } from '../kafka/kafka-connections.js';
import type { KafkaApi } from '../protocol/kafka-api.js';
import type { SimulatedKafka } from './simulated-kafka.js';

/** Which way a link does not forward. */
export type CutWay = 'requests' | 'answers';

const REQUEST_TIMEOUT_MS = 10_000;

/** A timer of a process. */
interface Timer {
  readonly run: () => void;
  isDue: boolean;
  isCancelled: boolean;
}

/**
 * A process: its clock, and its link to Kafka. It can be frozen, so that neither timers nor answers reach it, and go on later; its link can stop to
 * forward without closing; and it can die. Handlers of the process are not part of it: they end when the world says so.
 */
export class SimulatedProcess implements Clock {
  private isFrozen = false;
  private isDead = false;
  /** How far its monotonic clock is ahead of the world's. */
  private aheadMs = 0;
  private stoodStillSince: number | undefined;
  private readonly cut: Record<CutWay, boolean> = { requests: false, answers: false };
  private readonly delayed: Record<CutWay, (() => void)[]> = { requests: [], answers: [] };
  private inbox: (() => void)[] = [];
  private dueTimers: Timer[] = [];
  private readonly timers = new Map<Timer, number>();

  /**
   * @param world the clock that all processes share
   * @param served called when Kafka has handled a request of the process, before the answer is on its way
   */
  constructor(
    private readonly world: Clock,
    private readonly kafka: SimulatedKafka,
    private readonly served: (api: string, response: unknown) => void = () => undefined,
  ) {}

  now(): number {
    return (this.stoodStillSince ?? this.world.now()) + this.aheadMs;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer: Timer = { run, isDue: false, isCancelled: false };
    this.timers.set(timer, this.now() + milliseconds);
    const cancel = this.world.after(milliseconds, () => this.due(timer));
    return () => {
      timer.isCancelled = true;
      this.timers.delete(timer);
      cancel();
    };
  }

  get frozen(): boolean {
    return this.isFrozen;
  }

  get dead(): boolean {
    return this.isDead;
  }

  /** Ends the process without a word: nothing leaves it, and nothing reaches it. */
  die(): void {
    this.isDead = true;
  }

  /** Stops the process. @param withClock the machine is suspended: its monotonic clock stands still, too */
  freeze(withClock = false): void {
    if (withClock && !this.isFrozen) this.stoodStillSince = this.world.now();
    this.isFrozen = true;
  }

  /** Lets the process go on. @param first what it handles first: its due timers, or what has arrived */
  thaw(first: 'timers' | 'answers'): void {
    if (this.stoodStillSince !== undefined) this.aheadMs -= this.world.now() - this.stoodStillSince;
    this.stoodStillSince = undefined;
    this.isFrozen = false;
    const { inbox, dueTimers } = this;
    this.inbox = [];
    this.dueTimers = [];
    const runTimers = (): void => {
      for (const timer of dueTimers) this.due(timer);
    };
    if (first === 'timers') runTimers();
    for (const arrived of inbox) arrived();
    if (first === 'answers') runTimers();
  }

  /** Moves the monotonic clock ahead, as after a pause of the machine that the others did not have. */
  jump(milliseconds: number): void {
    this.aheadMs += milliseconds;
    for (const [timer, at] of [...this.timers].toSorted(([, a], [, b]) => a - b)) if (at <= this.now()) this.due(timer);
  }

  /** Stops to forward one way, without closing. */
  cutOff(way: CutWay): void {
    this.cut[way] = true;
  }

  /** Forwards again, first what was delayed. */
  reconnect(): void {
    for (const way of ['requests', 'answers'] as const) {
      this.cut[way] = false;
      for (const forward of this.delayed[way].splice(0)) forward();
    }
  }

  /** Runs something that comes from outside, such as the end of a database's work. */
  receive(run: () => void): void {
    if (this.isDead) return;
    if (this.isFrozen) this.inbox.push(run);
    else run();
  }

  /** Returns connections of this process. A request that a link has delayed is delivered late, even when the process has given it up. */
  connect(): KafkaConnections {
    let isClosed = false;
    const request = async <Request, Response>(
      node: number,
      api: KafkaApi<Request, Response>,
      body: Request,
    ): Promise<Response> => {
      if (isClosed) throw new Error('the connections were closed');
      const { promise, resolve, reject } = Promise.withResolvers<Response>();
      const timeoutMs = REQUEST_TIMEOUT_MS + (api.waitMs?.(body) ?? 0);
      const cancel = this.after(timeoutMs, () =>
        reject(new Error(`${api.name} got no response within ${timeoutMs} ms`)),
      );
      const answer = (end: () => void): void =>
        this.forward('answers', () =>
          this.receive(() => {
            cancel();
            end();
          }),
        );
      this.forward('requests', () => {
        if (this.isDead || this.kafka.silent.has(node)) return;
        void this.kafka
          .serve(node, api, body)
          .then((response) => {
            this.served(api.name, response);
            return answer(() => resolve(response));
          })
          .catch((error: unknown) => answer(() => reject(error)));
      });
      return promise;
    };
    return {
      connect: async () => undefined,
      request,
      requestAny: async (api, body) => request(this.kafka.silent.has(1) ? 2 : 1, api, body),
      close: async () => {
        isClosed = true;
      },
    };
  }

  private forward(way: CutWay, run: () => void): void {
    if (this.cut[way]) this.delayed[way].push(run);
    else run();
  }

  private due(timer: Timer): void {
    if (this.isDead || timer.isCancelled) return;
    const leftMs = (this.timers.get(timer) ?? 0) - this.now();
    // The clock stood still for a while.
    if (leftMs > 0) return void this.world.after(leftMs, () => this.due(timer));
    if (this.isFrozen) {
      if (!timer.isDue) this.dueTimers.push(timer);
      timer.isDue = true;
      return;
    }
    timer.isCancelled = true;
    this.timers.delete(timer);
    timer.run();
  }
}
