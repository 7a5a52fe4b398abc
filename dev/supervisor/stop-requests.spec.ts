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

  it('drain at the first, say so at the second and force at the third', () => {
    for (const at of [0, 1_000, 2_000]) {
      time = at;
      counter.request('SIGINT');
    }
    expect(answers).toEqual(['drain after SIGINT', 'still draining', 'force']);
  });

  it('count one Ctrl-C once, though it comes from the terminal and from npm', () => {
    counter.request('SIGINT');
    time = 5;
    counter.request('SIGINT');
    time = 10;
    counter.request('the end of npm');
    expect(answers).toEqual(['drain after SIGINT']);
  });
});
