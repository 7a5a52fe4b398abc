import { describe, expect, it } from '@jest/globals';
import { engineProblems } from './engine-check.js';

const ENGINE = {
  api: '1.41',
  ServerVersion: '20.10.24',
  Swarm: { LocalNodeState: 'active', ControlAvailable: true, NodeID: 'n' },
  Plugins: { Network: ['bridge', 'overlay'] },
};

describe('engineProblems', () => {
  it('finds nothing on a manager of Docker 20.10', () => {
    expect(engineProblems(ENGINE)).toEqual([]);
    expect(engineProblems({ ...ENGINE, api: '2.0' })).toEqual([]);
  });

  it.each([
    [
      { ...ENGINE, api: '1.40', ServerVersion: '19.03.5' },
      'engine-too-old',
      /19\.03\.5 has the API 1\.40, and jobs need 1\.41/,
    ],
    [{ ...ENGINE, Plugins: { Network: ['bridge'] } }, 'no-overlay-networks', /no driver for overlay networks/],
    [{ ...ENGINE, Swarm: { ...ENGINE.Swarm, LocalNodeState: 'inactive' } }, 'no-swarm', /docker swarm init/],
    [{ ...ENGINE, Swarm: { ...ENGINE.Swarm, ControlAvailable: false } }, 'not-a-manager', /this node is a worker/],
  ])('names what is missing: %#', (engine, code, text) => {
    expect(engineProblems(engine)).toEqual([{ code, text: expect.stringMatching(text) }]);
  });
});
