import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import type { GatewayClient } from './gateway-client.js';

const TOO_LARGE_BYTES = 3 * 1024 * 1024;
const TOO_LONG = 40_000;

/** What the gateway passes on, and what it keeps from clients. */
export class GatewayChecks {
  constructor(private readonly gateway: GatewayClient) {}

  async all(): Promise<void> {
    await this.servesOneOrigin();
    await this.needsTokens();
    await this.hidesInternals();
    await this.limits();
    await this.speaksTlsOnly();
  }

  private async servesOneOrigin(): Promise<void> {
    const page = await this.gateway.send('GET', '/', { token: false });
    assert.match(page.text, /<orders-console>/);
    assert.match(String(page.headers['strict-transport-security']), /^max-age=\d+/);
    for (const path of ['/v1/orders', '/v1/operations', '/v1/pipeline', '/docs-json', '/producer/docs-json'])
      assert.equal((await this.gateway.send('GET', path)).status, 200, path);
  }

  private async needsTokens(): Promise<void> {
    for (const path of ['/v1/orders', '/v1/operations', '/v1/pipeline'])
      assert.equal((await this.gateway.send('GET', path, { token: false })).status, 401, path);
  }

  private async hidesInternals(): Promise<void> {
    for (const path of [
      '/metrics',
      '/health/ready',
      '/query-api/metrics',
      '/producer/metrics',
      '/producer/health/live',
    ])
      assert.equal((await this.gateway.send('GET', path)).status, 404, path);
  }

  private async limits(): Promise<void> {
    const large = await this.gateway.send('POST', '/v1/populate', { body: ' '.repeat(TOO_LARGE_BYTES) });
    assert.equal(large.status, 413);
    const long = await this.gateway.send('GET', '/v1/orders', { headers: { 'x-long': 'x'.repeat(TOO_LONG) } });
    // Caddy also closes the connection, which the client may notice before the answer.
    assert.ok([0, 431].includes(long.status), `got ${long.status}`);
  }

  private async speaksTlsOnly(): Promise<void> {
    const { hostname, port } = new URL(this.gateway.url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.[01] 400/);
  }
}
