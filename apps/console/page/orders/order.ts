/** The fields of an order that the page needs, as the query API returns them. */
export interface Order {
  readonly id: string;
  readonly number: number;
  readonly accountId: string;
  readonly side: string;
  readonly symbol: string;
  readonly quantity: number;
  readonly price: string;
  readonly amount: string;
  readonly currency: string;
  readonly createdAt: string;
}

export interface OrdersPage {
  readonly items: readonly Order[];
  readonly page: { readonly number?: number; readonly next?: string; readonly prev?: string; readonly last?: string };
}

/** The path of an order from its operation through Kafka to MongoDB. */
export interface OrderTrace {
  readonly id: string;
  readonly operationId: string | null;
  readonly index: number | null;
  readonly chunk: { readonly from: number; readonly to: number } | null;
  readonly partition: number;
  readonly offset: number;
  readonly attempts: number;
  readonly savedAt: string;
}
