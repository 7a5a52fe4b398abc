import { describe, expect, it } from '@jest/globals';
import { aChange, aPipeline, aScaling } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import type { ScalingDemoView } from '../../apps/console/src/scaling-demo/scaling-demo-response.js';
import { aDemo, aJudgedDemo } from '../../apps/console/src/scaling-demo/testing/a-demo.js';
import {
  answerAutoscaling,
  answerBusy,
  answerEmpty,
  answerFailing,
  type ScriptedOrigin,
  LETTER_ID,
  NOW,
  OPERATION,
  ORDER_ID,
} from './scripted-origin.js';
import { ScriptedConsole } from './scripted-console.js';
import { answerMigration, answerOff, CHANGING, HELD, LIVE, SHADOW } from './scripted-migration.js';

const WIDTHS = [390, 1_180, 1_440];
const CRASH = { consumer: 'consumer-3', partitions: 4, reassignedAfterSeconds: null, hasReturned: false };

/** Answers as a pipeline whose consumer has just died. */
function answerCrash(origin: ScriptedOrigin): void {
  answerBusy(origin);
  origin.show(aPipeline({ changes: [aChange({ kind: 'crash', secondsAgo: 3, crash: CRASH })] }));
}

function answerDemo(scalingDemo: ScalingDemoView): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    origin.show(aPipeline({ scalingDemo }));
  };
}

describe('the layout of the console', () => {
  const views = ScriptedConsole.forSuite();

  it.each<[string, string, (origin: ScriptedOrigin) => void, string]>([
    ['empty', '', answerEmpty, 'No pending dead letters'],
    ['busy, with a group and a search', '#letters?error=conflict', answerBusy, LETTER_ID],
    ['with an order', `#orders/${ORDER_ID}`, answerBusy, 'its order 12,544'],
    ['with a dead letter', `#letters/${LETTER_ID}`, answerBusy, '3 fields differ'],
    ['with the oldest record', '#partitions/3', answerBusy, 'ago, by consumer-2'],
    ['with an operation', `#operations/${OPERATION}`, answerBusy, '208 extra records'],
    ['failing', '#orders?find=', answerFailing, 'Try again'],
    ['with a crash', '', answerCrash, 'consumer-3 died'],
    ['with a scaling demo', '', answerDemo(aDemo()), 'Measure 1 consumer'],
    ['with a scaling demo that has ended', '', answerDemo(aJudgedDemo()), '2.95 times the throughput'],
    ['with an autoscaler', '', answerAutoscaling({ heldUntil: NOW }), 'goal at risk'],
    ['before a migration', '#migration', answerOff, 'Reads by range'],
    ['with mismatches', '#migration', answerMigration(SHADOW), 'Reads by range'],
    ['with a rollback', '#migration', answerMigration(LIVE), 'went back to shadow'],
    ['with a migration on hold', '#migration', answerMigration(HELD), 'Held by ada'],
    ['with a change of writes', '#migration', answerMigration(CHANGING), 'Writes are moving'],
  ])('is accessible and not wider than the window: %s', async (_, hash, answer, shown) => {
    const console = await views.open(hash, answer);
    await console.page.getByText(shown).first().waitFor();
    for (const mismatch of await console.page.locator('mismatch-list summary').all()) await mismatch.click();
    for (const width of WIDTHS) expect([width, await console.problemsAt(width)]).toEqual([width, []]);
    expect(views.errors).toEqual([]);
  });

  it.each([
    [390, 4, 1],
    [1_180, 2, 2],
    [1_440, 2, 2],
    [2_560, 2, 2],
  ])('has the capabilities of a migration in rows of two where they fit, %i px', async (width, rows, columns) => {
    const console = await views.open('#migration', answerOff, width);
    const capabilities = console.page.locator('migration-page > .capabilities > .capability');
    await capabilities.nth(3).waitFor();
    const boxes = await capabilities.evaluateAll((all) => all.map((each) => each.getBoundingClientRect().toJSON()));
    const [tops, lefts] = [new Set(boxes.map(({ y }) => y)), new Set(boxes.map(({ x }) => x))];
    expect([boxes.length, tops.size, lefts.size]).toEqual([4, rows, columns]);
  });

  it.each(WIDTHS)(
    'has a chart whose times and labels are whole, also with a time at its right edge, %i px',
    async (width) => {
      const changes = [aScaling(1, 3, scaled(70)), aScaling(3, 1, scaled(64)), aScaling(1, 2, scaled(5))];
      const console = await views.open(
        '',
        (origin) => {
          answerBusy(origin);
          origin.show(aPipeline({ at: NOW, changes }));
        },
        width,
      );
      const { texts, plotTop, width: canvas } = await console.chartTexts();
      const shown = texts.map(({ text }) => text);
      expect(shown).toEqual(
        expect.arrayContaining(['1→2 consumers', '3→1 consumers', expect.stringMatching(/^12:00/)]),
      );
      expect(texts.filter(({ left, right }) => left < 0 || right > canvas)).toEqual([]);
      expect(texts.filter(({ text, bottom }) => text.includes('consumers') && bottom > plotTop)).toEqual([]);
    },
  );
});

/** A time before now. */
function scaled(secondsAgo: number): { at: string; secondsAgo: number } {
  return { at: new Date(Date.parse(NOW) - 1_000 * secondsAgo).toISOString(), secondsAgo };
}
