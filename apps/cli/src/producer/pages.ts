import { z } from 'zod';
import type { ProducerClient } from './producer-client.js';

/**
 * The items of a paged list, page by page, each asked for when the one before is used up.
 * @param path of the first page, beginning with `/v1/`
 */
export async function* pagesOf<T>(client: ProducerClient, path: string, item: z.ZodType<T>): AsyncGenerator<T[]> {
  const schema = z.looseObject({
    items: z.array(item),
    // A path of this very API: what follows the address of the producer must not become another host.
    page: z.looseObject({ next: z.string().startsWith('/v1/').optional() }),
  });
  for (let next: string | undefined = path; next !== undefined;) {
    const answer: z.infer<typeof schema> = await client.ask({ method: 'GET', path: next }, schema);
    yield answer.items;
    next = answer.page.next;
  }
}
