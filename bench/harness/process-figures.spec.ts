import { describe, expect, it } from '@jest/globals';
import { parseProcessFigures } from './process-figures.js';

const STATUS = 'Name:\tnode\nVmPeak:\t 9999999 kB\nVmHWM:\t  262144 kB\nVmRSS:\t  131072 kB\nThreads:\t11\n';
const STAT = '4711 (a (strange) name) S 1 4711 4711 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 5000 1 2 3';

describe('the figures of a process', () => {
  it('are its current memory, its peak memory and its CPU time', () => {
    expect(parseProcessFigures(STATUS, STAT)).toEqual({ rssMiB: 128, peakRssMiB: 256, cpuSeconds: 3 });
  });

  it('are undefined for a zombie process, which has no memory', () => {
    expect(parseProcessFigures('Name:\tnode\nState:\tZ (zombie)\n', STAT)).toBeUndefined();
  });
});
