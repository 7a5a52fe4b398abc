import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { StateFolder } from '../../dev/swarm/state/state-folder.js';
import type { Operator } from './operator.js';

/** What `up` refuses, each with a line that names it, and before anything is deployed. */
export class Refusals {
  constructor(
    private readonly operator: Operator,
    private readonly port: number,
  ) {}

  async missingLabel(): Promise<void> {
    const lines = await this.operator.refused('up');
    assert.match(
      lines,
      /^missing-label: no node has the label orders\.kafka-1, which kafka-1 needs: docker node update/m,
    );
    assert.equal(lines.match(/^missing-label: /gm)?.length, 9);
    await this.nothingIsDeployed();
  }

  async devIssuer(): Promise<void> {
    const configured = await this.operator.refused('up', [], { AUTH_ISSUER: 'https://login.example.com' });
    assert.match(configured, /^dev-issuer: AUTH_ISSUER is https:\/\/login\.example\.com: leave out --dev-issuer/m);
    const reachable = await this.operator.refused('up', [], { PUBLIC_URL: 'https://orders.example.com' });
    assert.match(reachable, /^dev-issuer: PUBLIC_URL is https:\/\/orders\.example\.com, which other machines reach/m);
    await this.nothingIsDeployed();
  }

  async demoKey(): Promise<void> {
    const file = join(this.operator.state, 'secrets', 'legacy-clients');
    const before = await readFile(file);
    await copyFile(join(PROJECT_DIRECTORY, 'deploy', 'legacy-clients.json'), file);
    try {
      const lines = await this.operator.refused('up', ['--nodes', 'self']);
      assert.match(lines, /^bad-client-keys: .*the client demo has the demo key, which is public/m);
      await this.nothingIsDeployed();
    } finally {
      await writeFile(file, before);
    }
  }

  async missingSecret(): Promise<void> {
    const file = join(this.operator.state, 'secrets', 'mongodb-key');
    await rename(file, `${file}.away`);
    try {
      const lines = await this.operator.refused('up', ['--nodes', 'self']);
      assert.match(lines, /^missing-secret: the secret mongodb-key is missing: restore .*mongodb-key from your copy/m);
      assert.equal(lines.match(/^[a-z-]+: /gm)?.length, 1);
      await this.nothingIsDeployed();
    } finally {
      await rename(`${file}.away`, file);
    }
  }

  async portInUse(): Promise<void> {
    const other = createServer().listen(this.port, '0.0.0.0');
    await once(other, 'listening');
    try {
      const lines = await this.operator.refused('up', ['--nodes', 'self']);
      assert.match(
        lines,
        new RegExp(`^port-in-use: port ${this.port}, which gateway publishes, is in use by \\S+ \\(pid`, 'm'),
      );
      await this.nothingIsDeployed();
    } finally {
      other.close();
    }
  }

  async noRoom(): Promise<void> {
    const lines = await this.operator.refused('up', ['--nodes', 'self'], { MONGODB_MEMORY: '900G' });
    assert.match(lines, /^no-room: the node \S+ needs [\d,]+ MiB of memory, and has [\d,]+ MiB left/m);
    await this.nothingIsDeployed();
  }

  async expiredCertificate(): Promise<void> {
    const folder = new StateFolder(this.operator.state);
    await folder.renewCertificates(['localhost'], -1);
    try {
      const lines = await this.operator.refused('up', ['--nodes', 'self']);
      assert.match(
        lines,
        /^certificate-expired: kafka-1: the certificate of CN=orders-kafka expired on \d{4}-\d\d-\d\d: deploy/m,
      );
      await this.nothingIsDeployed();
    } finally {
      await folder.renewCertificates(['localhost']);
    }
  }

  async noSwarmOrEngine(): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-no-engine-'));
    try {
      const lines = await this.operator.refused('up', [], { DOCKER_HOST: `unix://${directory}/docker.sock` });
      assert.match(lines, /^no-engine: docker does not answer/m);
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  /** Before `docker swarm init`. */
  async noSwarm(): Promise<void> {
    assert.match(
      await this.operator.refused('up'),
      /^no-swarm: the engine is in no swarm \(inactive\): docker swarm init/m,
    );
  }

  async missingImage(): Promise<void> {
    const lines = await this.operator.refused('up', ['--nodes', 'self'], { ORDERS_IMAGE: 'orders-pipeline:none' });
    assert.match(
      lines,
      /^missing-image: the image orders-pipeline:none is neither here nor in a registry: docker build/m,
    );
    await this.nothingIsDeployed();
  }

  private async nothingIsDeployed(): Promise<void> {
    assert.equal(await this.operator.docker('service', 'ls', '--quiet'), '');
    assert.equal(await this.operator.docker('secret', 'ls', '--quiet'), '');
    assert.equal(await this.operator.docker('network', 'ls', '--quiet', '--filter', 'name=orders_'), '');
  }
}
