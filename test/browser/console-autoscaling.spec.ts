import { describe, expect, it } from '@jest/globals';
import { ScriptedConsole } from './scripted-console.js';
import { answerAutoscaling, autoscaling, decision, REVERTED } from './scripted-autoscaling.js';
import { pipelineState } from './scripted-states.js';

describe('the autoscaler in the console', () => {
  const views = ScriptedConsole.forSuite();

  it('says how to switch it on while it is off', async () => {
    const console = await views.open();
    await console.part('Scale').getByText('Autoscaling is off. To see here what it would do').waitFor();
    expect(views.origin.sent('GET /v1/pipeline/autoscaling')).toEqual([]);
  });

  it('shows the reason of now, and each decision with its figures and its verdict', async () => {
    const console = await views.open('', answerAutoscaling());
    const part = console.part('Scale');
    await part.getByText('1 to 12 consumers, orders saved within 120 s').waitFor();
    await part.getByText(/^2 consumers stay, although orders wait: 4 did not help/).waitFor();
    const decisions = part
      .getByRole('list', { name: 'Decisions of the autoscaler, newest first' })
      .getByRole('listitem');
    const [newest, oldest] = await decisions.allInnerTexts();
    expect(newest).toMatch(/^4 → 2 consumers: did not help\s+2026-01-31 12:00:00 UTC\s+back to 2 consumers/);
    expect(newest).toContain('(x1.02), bound by keys');
    expect(oldest).toContain('2 → 4 consumers: goal at risk');
    expect(oldest).toContain('lag 120,000, arriving 5,200/s, saved 3,900/s, one consumer 1,950/s, wait 1 min 1 s');
  });

  it('says what a dry run would do', async () => {
    const proposal = decision(1, { mode: 'dry-run' });
    const view = autoscaling({ mode: 'dry-run', now: proposal, newest: proposal });
    const part = (await views.open('', answerAutoscaling(view, [proposal]))).part('Scale');
    await part.getByText('dry run', { exact: true }).waitFor();
    await part.getByText(/^It would go to 4 consumers: with 2/).waitFor();
    await part.getByText('would change 2 → 4 consumers: goal at risk').waitFor();
    expect(await part.getByRole('button', { name: 'Resume autoscaling' }).count()).toBe(0);
  });

  it('loads a new decision when it is made, and older ones on request', async () => {
    const console = await views.open('', answerAutoscaling(autoscaling(), []));
    const part = console.part('Scale');
    await part.getByText('No decisions yet.').waitFor();
    const next = '/v1/pipeline/autoscaling/decisions?pageSize=5&before=x';
    views.origin.on('GET /v1/pipeline/autoscaling/decisions', {
      body: { items: [decision(4)], page: { size: 5, next } },
    });
    views.origin.on(`GET ${next}`, { body: { items: [REVERTED], page: { size: 5 } } });
    views.origin.show(pipelineState({ autoscaling: autoscaling({ newest: decision(4) }) }));
    await part.getByText('2 → 4 consumers: goal at risk').waitFor();
    await part.getByRole('button', { name: 'Show older decisions' }).click();
    await part.getByText('4 → 2 consumers: did not help').waitFor();
    expect(await part.getByRole('button', { name: 'Show older decisions' }).count()).toBe(0);
  });

  it('says that a number is held, and resumes', async () => {
    const view = autoscaling({ heldUntil: '2026-01-31T12:30:00.000Z' });
    const part = (await views.open('', answerAutoscaling(view))).part('Scale');
    views.origin.on('POST /v1/pipeline/autoscaling/resume', { status: 204, body: '' });
    await part.getByText('Held until 2026-01-31 12:30:00 UTC, since the number was set by hand.').waitFor();
    await part.getByRole('button', { name: 'Resume autoscaling' }).click();
    await part.getByText('Autoscaling resumes.').waitFor();
    expect(views.origin.sent('POST /v1/pipeline/autoscaling/resume')).toHaveLength(1);
  });

  it('says why it can not act, and why decisions are not shown', async () => {
    const part = (await views.open('', answerAutoscaling(autoscaling({ failure: 'no response' })))).part('Scale');
    await part.getByRole('alert').getByText('The autoscaler can not act: no response').waitFor();
    views.origin.on('GET /v1/pipeline/autoscaling/decisions', {
      status: 503,
      body: { title: 'Service Unavailable', status: 503, code: 'database-away', detail: 'The database is away.' },
    });
    views.origin.show(pipelineState({ autoscaling: autoscaling({ failure: 'no response', newest: decision(9) }) }));
    await part.getByRole('alert').getByText('The database is away.').waitFor();
    expect(await part.getByRole('alert').count()).toBe(2);
  });

  it.each([390, 1_180])('is accessible and not wider than the window, %i px wide', async (width) => {
    const view = autoscaling({ heldUntil: '2026-01-31T12:30:00.000Z' });
    const console = await views.open('', answerAutoscaling(view), width);
    await console.part('Scale').getByText('2 → 4 consumers: goal at risk').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await console.page.emulateMedia({ colorScheme });
      expect(await console.violations()).toEqual([]);
    }
    expect(await console.overflow()).toBeLessThanOrEqual(0);
    expect(views.errors).toEqual([]);
  });
});
