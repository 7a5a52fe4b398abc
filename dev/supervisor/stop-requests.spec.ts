import { beforeEach, describe, expect, it } from '@jest/globals';
import { StopCounter } from './stop-requests.js';

describe('requests to stop', () => {
  let time: number;
  let answers: string[];
  let counter: StopCounter;

  beforeEach(() => {
    time = 0;
    answers = [];
    counter = new StopCounter(
      {
        first: (reason) => answers.push(`drain after ${reason}`),
        again: () => answers.push('still draining'),
        force: () => answers.push('force'),
      },
      () => time,
    );
  });

  it('drain at the first, print a message at the second and force the end at the third', () => {
    for (const at of [0, 1_000, 2_000]) {
      time = at;
      counter.request('SIGINT');
    }
    expect(answers).toEqual(['drain after SIGINT', 'still draining', 'force']);
  });

  it('count one Ctrl-C once, although both the terminal and npm send it', () => {
    counter.request('SIGINT');
    time = 5;
    counter.request('SIGINT');
    time = 10;
    counter.request('npm ended');
    expect(answers).toEqual(['drain after SIGINT']);
  });
});
