import { betweenTries } from './eventually.js';
import { intakeOrder, type IntakeAnswer } from './intake.js';

/** A client that sends the orders of its account one after another, each to another producer, and repeats what was not accepted. */
export class IntakeClient {
  readonly operations = new Set<string>();
  accepted = 0;
  /** The `Retry-After` of requests that were refused because the topic got more partitions. */
  readonly refused: (string | null)[] = [];
  private isOver = false;
  private readonly running: Promise<void>;

  constructor(
    private readonly accountId: string,
    private readonly producers: () => readonly string[],
  ) {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let sent = 0; !this.isOver; sent += 1) {
      const key = crypto.randomUUID();
      while (!(await this.send(key, sent))) await betweenTries(50);
      this.accepted += 1;
    }
  }

  private async send(key: string, sent: number): Promise<boolean> {
    const producers = this.producers();
    const response = await fetch(`${producers[sent % producers.length]}/v1/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(intakeOrder({ accountId: this.accountId })),
    });
    const body = (await response.json()) as IntakeAnswer;
    if (response.status === 202) this.operations.add(body.operationId);
    else if (response.status !== 503) throw new Error(`unexpected answer ${response.status}: ${JSON.stringify(body)}`);
    if (body.code === 'topic-expands') this.refused.push(response.headers.get('retry-after'));
    return response.status === 202;
  }
}
