import { TestEnvironment } from 'jest-environment-node';

/** Sends the name of each case that starts to the process that tries mutants, and skips all cases after the first failure. */
export default class MutantEnvironment extends TestEnvironment {
  hasFailed = false;

  handleTestEvent({ name, test }) {
    if (name === 'test_done' && test.errors.length > 0) this.hasFailed = true;
    if (name !== 'test_start') return;
    if (this.hasFailed) test.mode = 'skip';
    else process.send({ started: nameOf(test) });
  }
}

function nameOf({ name, parent }) {
  return parent.name === 'ROOT_DESCRIBE_BLOCK' ? name : `${nameOf(parent)} › ${name}`;
}
