import { expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { signingKey } from '../support/test-issuer.js';
import type { GuardedStack } from './guarded-stack.js';

/** @param shared returns the stack that these specs share with others */
export function issuerOutageSpecs(shared: () => GuardedStack): void {
  it('leaves tokens with a known key valid, and does not blame those with another one', async () => {
    const { issuer, pipeline } = shared();
    const { consoleUrl } = pipeline;
    const [known, foreign] = [await issuer.token(), await issuer.token({ key: await signingKey('RS256') })];
    const status = async (path: string, token: string): Promise<number> => (await shared().request(path, token)).status;
    const isUp = async (): Promise<string | undefined> =>
      /^auth_issuer_up (\d)$/m.exec(await (await fetch(`${consoleUrl}/metrics`)).text())?.[1];
    expect([await status('/v1/pipeline', known), await isUp()]).toEqual([200, '1']);
    await issuer.stop();
    try {
      // An unknown key causes a fetch, at most every 30 s.
      await eventually('it has noticed', async () => (await status('/v1/pipeline', foreign)) === 503);
      const refused = await shared().request('/v1/pipeline', foreign);
      expect([refused.status, refused.headers.get('retry-after'), await isUp()]).toEqual([503, '5', '0']);
      expect(await status('/v1/pipeline', known)).toBe(200);
      expect((await fetch(`${consoleUrl}/health/ready`)).status).toBe(200);
    } finally {
      await issuer.resume();
    }
    await eventually('it is available again', async () => (await status('/v1/pipeline', foreign)) === 401);
    expect(await isUp()).toBe('1');
  });
}
