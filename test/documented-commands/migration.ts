import { expect, it } from '@jest/globals';
import { MINUTE, type OperatorShell } from './operator-shell.js';

/** @param shell returns the shell that these specs share with others */
export function migrationCommandSpecs(shell: () => OperatorShell): void {
  it(
    'show its state, mismatches and open writes, verify, and release a hold',
    async () => {
      expect(await shell().output('npm run migration -- status')).toContain('off');
      await shell().output('npm run migration -- mismatches');
      await shell().output('npm run migration -- mismatches --capability writes');
      await shell().output('npm run migration -- pending');
      await shell().output('npm run migration -- verify');
      const held = await fetch(`${shell().pipeline.facadeUrl}/v1/migration/hold`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ held: true, reason: 'a test' }),
      });
      expect(held.status).toBeLessThan(300);
      const released = await shell().output('npm run migration -- hold --release --reason TEXT', { TEXT: 'repaired' });
      expect(released).toContain('Changes are allowed.');
    },
    2 * MINUTE,
  );
}
