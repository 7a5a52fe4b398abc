import Sequencer from '@jest/test-sequencer';

/** Runs the spec files in the order of the command line. */
export default class GivenOrder extends Sequencer {
  sort(tests) {
    return [...tests];
  }
}
