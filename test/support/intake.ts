import { betweenTries } from './eventually.js';
import type { IntakeOrderBody } from '#orders/order/intake-order.js';
import { anIntakeOrder } from '#orders/testing/an-order.js';
import type { AcceptedOrders } from '../../apps/producer/src/intake/orders-request.js';
import type { Answer, TestedStack } from './tested-stack.js';

/** The body of the intake's answer: the accepted orders, or problem details. */
export type IntakeAnswer = AcceptedOrders & {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string }[];
};

/** Returns an order for the intake. @param change replaces fields, also by invalid ones */
export function intakeOrder(change: Readonly<Record<string, unknown>> = {}): IntakeOrderBody {
  return { ...anIntakeOrder(), ...change };
}

/** Sends a body to `POST /v1/orders`. @param key the Idempotency-Key */
export async function sendOrders(
  stack: Pick<TestedStack, 'producerUrl'>,
  body: unknown,
  key?: string,
): Promise<Answer<IntakeAnswer>> {
  const response = await fetch(`${stack.producerUrl}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as IntakeAnswer };
}

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
    const producerUrl = producers[sent % producers.length] ?? '';
    const { status, headers, body } = await sendOrders(
      { producerUrl },
      intakeOrder({ accountId: this.accountId }),
      key,
    );
    if (status === 202) this.operations.add(body.operationId);
    else if (status !== 503) throw new Error(`unexpected answer ${status}: ${JSON.stringify(body)}`);
    if (body.code === 'topic-expands') this.refused.push(headers.get('retry-after'));
    return status === 202;
  }
}
