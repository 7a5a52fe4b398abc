import { request } from 'node:http';

/** Sends a request with two Authorization headers, which `fetch` can't do. */
export async function statusWithTwo(url: string, authorization: string): Promise<number | undefined> {
  const { hostname, port, pathname } = new URL(url);
  const headers = ['Host', `${hostname}:${port}`, 'Authorization', authorization, 'Authorization', 'Bearer other'];
  return new Promise((resolve, reject) => {
    request({ hostname, port, path: pathname, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });
}
