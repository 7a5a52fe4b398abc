import { beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Redrives } from '../support/redrives.js';
import { MINUTE, type OperatorShell } from './operator-shell.js';

/** @param shell returns the shell that these specs share with others */
export function operationCommandSpecs(shell: () => OperatorShell): void {
  let operation: string;

  beforeAll(async () => {
    const { pipeline } = shell();
    const { id } = await pipeline.populate({ count: 400, faults: { poison: 0.05 } });
    operation = id;
    await pipeline.allEnded(id);
  }, 2 * MINUTE);

  it(
    'show an operation, and what its saves wait for',
    async () => {
      const shown = await shell().output('npm run orders -- operation OPERATION', { OPERATION: operation });
      expect(shown).toMatch(new RegExp(`^operation +${operation}$`, 'm'));
    },
    MINUTE,
  );

  it(
    'pause and resume an operation',
    async () => {
      const { id } = await shell().pipeline.populate({ count: 10_000, ratePerSecond: 50 });
      await shell().output('npm run orders -- pause OPERATION', { OPERATION: id });
      await eventually('it is paused', async () => (await shell().pipeline.operation(id)).status === 'paused');
      await shell().output('npm run orders -- resume OPERATION', { OPERATION: id });
      expect((await shell().pipeline.operation(id)).status).toBe('running');
      await shell().pipeline.post(`/v1/operations/${id}/cancel`, {});
    },
    MINUTE,
  );

  it(
    'group, list, redrive and discard dead letters',
    async () => {
      const redrives = new Redrives(shell().pipeline);
      const [code = ''] = Object.keys(await redrives.groups());
      expect(await shell().output('npm run orders -- dead-letters')).toContain(code);
      expect(await shell().output('npm run orders -- dead-letters --list')).toContain(operation);
      await shell().output('npm run orders -- redrive --error CODE', { CODE: code });
      // There are none of this one.
      const none = await shell().run('npm run orders -- redrive --error unknown-schema');
      expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('nothing-to-redrive')]);
      await eventually('the letters have returned', async () => {
        const pending = await redrives.groups();
        return (pending[code] ?? 0) > 0;
      });
      const letter = await redrives.letters.findOne({ state: 'pending' });
      await shell().output('npm run orders -- discard ID', { ID: letter?._id ?? '' });
      expect((await redrives.letters.findOne({ _id: letter?._id ?? '' }))?.state).toBe('discarded');
    },
    2 * MINUTE,
  );
}
