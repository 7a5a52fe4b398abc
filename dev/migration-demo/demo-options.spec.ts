import { describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import { runCommandLine } from '../../apps/cli/src/command-line.js';
import { BUG_NAMES } from './bugs/translation-bugs.js';
import { addDemoCommand } from './demo-command.js';
import { readDemoOptions } from './demo-options.js';

const GIVEN = { bug: 'float-price', report: '/reports', orders: 2_000, rate: 25 };

const unknown = () => readDemoOptions({ ...GIVEN, bug: 'float' }, {});

describe('the options of the demo', () => {
  it('have the settings of the gate and of the automatic rollback from the environment', () => {
    const env = { GATE_MIN_SAMPLES: '20', ROLLBACK_MAX_ERROR_RATE: '0.1', MONGODB_URI: 'mongodb://elsewhere' };
    expect(readDemoOptions(GIVEN, env)).toMatchObject({
      bug: { name: 'float-price', field: 'price' },
      orders: 2_000,
      rate: 25,
      reportFolder: '/reports',
      facadeSettings: { GATE_MIN_SAMPLES: '20', GATE_P99_FLOOR_MS: '3000', ROLLBACK_MAX_ERROR_RATE: '0.1' },
    });
  });

  it('reject an unknown bug with exit code 2 and the list of names', () => {
    expect(unknown).toThrow(
      expect.objectContaining({ exitCode: 2, remedy: expect.stringContaining(BUG_NAMES[0] ?? '') }),
    );
    expect(unknown).toThrow('got "float"');
  });

  it('reject a rate of 0', () => {
    expect(() => readDemoOptions({ ...GIVEN, rate: 0 }, {})).toThrow('--rate must be at least 1, got 0');
  });

  it('are in the help, and the demo is in the list of migration commands', async () => {
    let text = '';
    const stream = { write: (part: string) => (text += part) };
    const environment = {
      env: {},
      terminal: { out: stream, err: stream },
      clock: systemClock,
      workingDirectory: '.',
      onInterrupt: () => undefined,
    };
    expect(await runCommandLine(['migration', '--help'], environment, addDemoCommand)).toBe(0);
    expect(text).toContain('demo [options]');
    text = '';
    expect(await runCommandLine(['migration', 'demo', '--help'], environment, addDemoCommand)).toBe(0);
    for (const part of ['--bug <name>', '--report <folder>', ...BUG_NAMES]) expect(text).toContain(part);
  });
});
