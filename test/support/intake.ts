import type { IntakeOrderBody } from '#orders/order/intake-order.js';
import type { AcceptedOrders } from '../../apps/producer/src/intake/intake-body.js';
import type { Answer } from './tested-stack.js';
import type { TestedStack } from './tested-stack.js';

/** The body of the intake's answer: the accepted orders, or problem details. */
export type IntakeAnswer = AcceptedOrders & {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string }[];
};

/** Returns an order for the intake. @param change replaces fields, also by invalid ones */
export function intakeOrder(change: Readonly<Record<string, unknown>> = {}): IntakeOrderBody {
  const order = {
    accountId: 'acc-1',
    side: 'buy',
    symbol: 'ACME',
    quantity: 3,
    price: '187.35',
    currency: 'USD',
  } as const;
  return { ...order, ...change };
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
