import { describe, expect, it } from '@jest/globals';
import { FigureHistory } from '../../apps/console/src/pipeline/figure-history.js';
import {
  aChange,
  aConsumer,
  aPipeline,
  aScaling,
  aVerdict,
} from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import { aDecision } from '../../apps/console/src/autoscaling/testing/a-decision.js';
import { eventually } from '../support/eventually.js';
import type { ConsolePage } from './console-page.js';
import { ImitatedConsole, answerAutoscaling, answerBusy, answerFailing, REVERTED } from './scripted-origin.js';
import { ScriptedConsole } from './scripted-console.js';

const START_SECOND = Date.parse('2026-01-31T12:00:00Z') / 1_000;
const HOUR = 3_600;
/** Enough to fill the finest series of the history. */
const FILLED = 1_000;
const DECISIONS = 'GET /v1/pipeline/autoscaling/decisions';

/** Sends the events of `seconds` seconds in groups of 50, and waits until the page shows the last of each. @returns the bytes in use afterwards */
async function pass(server: ImitatedConsole, page: ConsolePage, seconds: number): Promise<number> {
  for (let sent = 0; sent < seconds; sent += 50) {
    server.pass(50);
    await page.tileIs('Lag', `${server.lag.toLocaleString('en')}records`);
  }
  return page.liveBytes();
}

describe('the live views of the console', () => {
  const views = ScriptedConsole.forSuite();

  it('have a chart of the recorded rates, whose time axis ends now', async () => {
    const history = new FigureHistory();
    const figures = { produced: 0, saved: 1_234, inFlight: 0, lag: 0, consumers: 1 };
    history.add(START_SECOND - 30, figures);
    const console = await views.open('', (origin) => {
      answerBusy(origin);
      origin.answer({ 'GET /v1/pipeline/history': { series: history.recorded() } });
      origin.show(aPipeline({ at: new Date(1_000 * START_SECOND).toISOString() }));
    });
    await eventually('the recorded rates are drawn', async () => (await console.chart()).saved.includes(1_234));
    expect(await console.chart()).toMatchObject({ from: START_SECOND - 120, to: START_SECOND });
    await console.all.press('1 hour');
    await eventually('the axis shows an hour', async () => (await console.chart()).from === START_SECOND - HOUR);
  });

  it('show the verdict on a scaling, and step back from it', async () => {
    const changes = [aScaling(1, 4, { verdict: aVerdict({ factor: 3.87, text: '3.87 times the throughput' }) })];
    const console = await views.open('', (origin) => {
      answerBusy(origin);
      origin.show(aPipeline({ changes, configuredConsumers: 4 }));
    });
    const verdict = console.part('Scale').locator.locator('.verdicts li').first();
    expect(await verdict.innerText()).toMatch(/1 → 4 consumers.*3\.87 times the throughput/s);
    views.origin.on('POST /v1/pipeline/consumers', { status: 202, body: { count: 1, idle: 0, request: 1 } });
    await verdict.getByRole('button', { name: 'Back to 1 consumer' }).click();
    expect(await views.hasSent('POST /v1/pipeline/consumers')).toEqual([{ count: 1 }]);
  });

  it('show one banner and one mark for a consumer that died, until its partitions are reassigned', async () => {
    const crash = { consumer: 'consumer-3', partitions: 4, hasReturned: false };
    const diedAfter = (reassignedAfterSeconds: number | null) =>
      aPipeline({ changes: [aChange({ kind: 'crash', secondsAgo: 3, crash: { ...crash, reassignedAfterSeconds } })] });
    const console = await views.open();
    const banner = console.page.locator('.banner');
    expect(await banner.count()).toBe(0);
    views.origin.show(diedAfter(null));
    await banner.getByText('consumer-3 died; its partitions are being reassigned').waitFor();
    const errors = await console.page.locator('.bad').allInnerTexts();
    expect(errors.filter((text) => text.includes('consumer-3'))).toHaveLength(1);
    views.origin.show(diedAfter(9));
    await banner.getByText('its 4 partitions were reassigned after 9 s').waitFor();
    expect(await banner.count()).toBe(1);
    expect((await console.chart()).marks).toEqual(['crash']);
  });

  it('show figures as unknown while a server is away, and no consumer as an error while it rebalances', async () => {
    const console = await views.open('', answerFailing);
    await console.tileIs('Saved', '–');
    expect([await console.tile('In flight'), await console.tile('Produced')]).toEqual(['–', '4,012/s']);
    answerBusy(views.origin);
    const states = ['starting', 'draining', 'rebalancing'] as const;
    const consumers = states.map((state) => aConsumer({ id: state, name: state, state }));
    views.origin.show(aPipeline({ consumers, lagRecords: 77 }));
    await console.tileIs('Lag', '77records');
    expect(await console.consumers()).toEqual(states);
    expect(await console.part('Partitions and consumers').locator.locator('.bad').count()).toBe(0);
  });

  it('use no more memory after an hour of events than once the chart is full', async () => {
    let imitated: ImitatedConsole | undefined;
    const console = await views.open('', (origin) => {
      imitated = new ImitatedConsole(origin, START_SECOND);
    });
    if (imitated === undefined) throw new Error('The page has not been opened.');
    const filled = await pass(imitated, console, FILLED);
    const afterAnHour = await pass(imitated, console, HOUR);
    expect(afterAnHour / filled).toBeLessThan(1.1);
  });
});

describe('the autoscaler in the console', () => {
  const views = ScriptedConsole.forSuite();

  it('says how to switch it on while it is off', async () => {
    const console = await views.open();
    await console.part('Scale').shows('Autoscaling is off. To see here what it would do');
    expect(views.origin.sent('GET /v1/pipeline/autoscaling')).toEqual([]);
  });

  it('shows the reason of now, and each decision with its figures and its verdict', async () => {
    const part = (await views.open('', answerAutoscaling())).part('Scale');
    await part.shows('1 to 12 consumers, orders saved within 120 s');
    await part.shows(/^2 consumers stay, although orders wait: 4 did not help/);
    const list = part.locator.getByRole('list', { name: 'Decisions of the autoscaler, newest first' });
    const [newest, oldest] = await list.getByRole('listitem').allInnerTexts();
    expect(newest).toMatch(/^4 → 2 consumers: did not help\s+2026-01-31 12:00:00 UTC\s+back to 2 consumers/);
    expect(newest).toContain('(1.02 times the throughput), bound by keys');
    expect(oldest).toContain('2 → 4 consumers: goal at risk');
    expect(oldest).toContain('lag 120,000, arriving 5,200/s, saved 3,900/s, one consumer 1,950/s, wait 1 min 1 s');
  });

  it('says what a dry run would do', async () => {
    const proposal = aDecision(1, { mode: 'dry-run' });
    const answer = answerAutoscaling({ mode: 'dry-run', now: proposal, newest: proposal }, [proposal]);
    const part = (await views.open('', answer)).part('Scale');
    await part.shows('dry run', { exact: true });
    await part.shows(/^It would go to 4 consumers: with 2/);
    await part.shows('would change 2 → 4 consumers: goal at risk');
    expect(await part.button('Resume autoscaling').count()).toBe(0);
  });

  it('loads a new decision when it is made, and older ones on request', async () => {
    const part = (await views.open('', answerAutoscaling({}, []))).part('Scale');
    await part.shows('No decisions yet.');
    const next = '/v1/pipeline/autoscaling/decisions?pageSize=5&before=x';
    answerAutoscaling({ newest: aDecision(4) }, [])(views.origin);
    views.origin.answer({
      [DECISIONS]: { items: [aDecision(4)], page: { size: 5, next } },
      [`GET ${next}`]: { items: [REVERTED], page: { size: 5 } },
    });
    await part.shows('2 → 4 consumers: goal at risk');
    await part.press('Show older decisions');
    await part.shows('4 → 2 consumers: did not help');
    expect(await part.button('Show older decisions').count()).toBe(0);
  });

  it('says that a number is held, and resumes', async () => {
    const part = (await views.open('', answerAutoscaling({ heldUntil: '2026-01-31T12:30:00.000Z' }))).part('Scale');
    views.origin.on('POST /v1/pipeline/autoscaling/resume', { status: 204, body: '' });
    await part.shows('Held until 2026-01-31 12:30:00 UTC, since the number was set by hand.');
    await part.press('Resume autoscaling');
    await part.shows('Autoscaling resumes.');
    await views.hasSent('POST /v1/pipeline/autoscaling/resume');
    expect(views.errors).toEqual([]);
  });

  it('says why it can not act, and why decisions are not shown', async () => {
    const failure = 'no response';
    const part = (await views.open('', answerAutoscaling({ failure }))).part('Scale');
    await part.alerts('The autoscaler can not act: no response');
    answerAutoscaling({ failure, newest: aDecision(9) })(views.origin);
    views.origin.on(DECISIONS, { status: 503, body: { code: 'database-away', detail: 'The database is away.' } });
    await part.alerts('The database is away.');
    expect(await part.locator.getByRole('alert').count()).toBe(2);
  });
});
