import type { Program } from './program.js';

/** The programs of the clock's page, by the names of its blocks. */
export const CLOCK: Readonly<Record<string, Program>> = {
  '@orders-pipeline/clock': {
    before: '',
    after: `
let calls = 0;
await retry(async () => {
  calls += 1;
  if (calls < 3) throw new Error('not yet');
});
console.log(calls, 'calls');
`,
    prints: /^3 calls$/m,
  },
  '@orders-pipeline/clock (2)': {
    before: `
import { pause, type Clock } from '@orders-pipeline/clock';
const work = () => console.log('worked');
async function retry(then: () => void, on: Clock): Promise<void> {
  await pause(on, 59_000);
  then();
}
`,
    after: 'await retried;',
    prints: /^worked$/m,
  },
};
