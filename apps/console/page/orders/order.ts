/** What the page needs of orders, as the query API tells them. */
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

/** How an order came to be where it is. */
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
