import assert from 'node:assert/strict';
import type { Operator } from './operator.js';

const STACK = 'label=com.docker.stack.namespace=orders';

/** What `down` leaves. */
export class Removal {
  constructor(
    private readonly operator: Operator,
    private readonly print: (line: string) => void,
  ) {}

  /** Removes the stack. Only its volumes are left. */
  async down(): Promise<void> {
    this.print(await this.operator.run('down'));
    for (const what of ['service', 'secret', 'config'])
      assert.equal(await this.operator.docker(what, 'ls', '--quiet'), '', what);
    assert.equal(await this.operator.docker('network', 'ls', '--quiet', '--filter', STACK), '');
    assert.equal(await this.operator.docker('ps', '--all', '--quiet'), '');
  }

  /** Removes the volumes too. */
  async downVolumes(): Promise<void> {
    this.print(await this.operator.run('down', ['--volumes']));
    assert.equal(await this.operator.docker('volume', 'ls', '--quiet', '--filter', STACK), '');
  }
}
