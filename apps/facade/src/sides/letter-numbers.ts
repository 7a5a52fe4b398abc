import { z } from 'zod';
import type { LetterNumbers } from './dead-lettered-orders.js';
import type { NewSideToken } from './new-side-token.js';
import { SideAwayError } from './side-away-error.js';
import type { SideConnection } from './side-connection.js';

const LettersSchema = z.object({
  items: z.array(z.object({ number: z.number().nullable() })),
  page: z.object({ next: z.string().startsWith('/v1/').optional() }),
});

/** Pages of 100 dead letters of one operation. More of them are an incident that a person sees. */
const MAX_PAGES = 20;
const MAX_PAGE_BYTES = 1024 * 1024;

/** Returns a function that lists the pending dead letters of an operation by the producer's API. It throws a SideAwayError. */
export function letterNumbers(producer: SideConnection, token: NewSideToken): LetterNumbers {
  return async (operationId, signal) => {
    const numbers = new Set<number>();
    let path: string | undefined = `/v1/dead-letters/records?operationId=${operationId}&state=pending&pageSize=100`;
    for (let page = 0; path !== undefined && page < MAX_PAGES; page += 1) {
      const headers = await token.header();
      const { status, bytes } = await producer.ask({ method: 'GET', path, headers, signal }, MAX_PAGE_BYTES);
      if (status !== 200) throw new SideAwayError('new', 'bad-answer', `${path} responded with ${status}`);
      const letters = LettersSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
      for (const { number } of letters.items) if (number !== null) numbers.add(number);
      path = letters.page.next;
    }
    return numbers;
  };
}
