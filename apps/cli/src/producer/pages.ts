import { CliError } from '../cli-error.js';
import type { NextPage } from '#api/producer.js';
import type { ProducerClient } from './producer-client.js';

/**
 * Reads a paged list page by page. The next page is requested only after the previous one was consumed.
 * @param path the path of the first page; it starts with `/v1/`
 */
export async function* pagesOf<T>(client: ProducerClient, path: string): AsyncGenerator<readonly T[]> {
  for (let next: string | undefined = path; next !== undefined;) {
    const { items, page }: { items: readonly T[]; page: NextPage } = await client.request({
      method: 'GET',
      path: next,
    });
    yield items;
    next = page.next;
    // Only paths of this API: the text is appended to the address of the producer and must not change the host.
    if (next?.startsWith('/v1/') === false)
      throw new CliError('unexpected-answer', `page.next of ${client.url}${path} is not a path of the API.`, '');
  }
}
