import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';
import { TestIssuer } from '../support/test-issuer.js';
import type { OperatorShell } from './operator-shell.js';

/** @param shell returns the shell that these specs share with others */
export function hostCommandSpecs(shell: () => OperatorShell): void {
  let folder: string;
  let certificate: string;
  let server: Server;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-certificate-'));
    const issued = await (await PrivateAuthority.create()).issue('orders.example', ['127.0.0.1']);
    certificate = join(folder, 'server.pem');
    await writeFile(certificate, issued.certificate);
    server = createServer({ key: issued.key, cert: issued.certificate }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('show when a certificate expires, of a file and of a server', async () => {
    const { port } = server.address() as AddressInfo;
    const ofFile = await shell().output('openssl x509 -noout -subject -enddate -in FILE', { FILE: certificate });
    expect(ofFile).toMatch(/^notAfter=/m);
    const ofServer = await shell().output(
      'openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -enddate',
      {
        'HOST:PORT': `127.0.0.1:${port}`,
      },
    );
    expect(ofFile).toContain(ofServer);
  });

  it('find what fills a disk', async () => {
    expect(await shell().output('du -xh --max-depth=2 /var/lib | sort -h | tail')).toContain('/var/lib');
  });

  it('ask the issuer', async () => {
    const issuer = await TestIssuer.start();
    const answer = await shell().output('curl -s ISSUER/.well-known/openid-configuration', { ISSUER: issuer.url });
    expect(JSON.parse(answer)).toMatchObject({ issuer: issuer.url });
    await issuer.stop();
  });
}
