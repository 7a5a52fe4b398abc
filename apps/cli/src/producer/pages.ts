import { z } from 'zod';
import type { ProducerClient } from './producer-client.js';

/**
 * Reads a paged list page by page. The next page is requested only after the previous one was consumed.
 * @param path the path of the first page; it starts with `/v1/`
 */
export async function* pagesOf<T>(client: ProducerClient, path: string, item: z.ZodType<T>): AsyncGenerator<T[]> {
  const schema = z.looseObject({
    items: z.array(item),
    // Only paths of this API: the text is appended to the address of the producer and must not change the host.
    page: z.looseObject({ next: z.string().startsWith('/v1/').optional() }),
  });
  for (let next: string | undefined = path; next !== undefined;) {
    const answer: z.infer<typeof schema> = await client.request({ method: 'GET', path: next }, schema);
    yield answer.items;
    next = answer.page.next;
  }
}
