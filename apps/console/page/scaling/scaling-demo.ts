import { html, nothing, type TemplateResult } from 'lit';
import { DEMO_STEPS, NOT_RESTORED, type DemoStep } from '../../src/scaling-demo/demo-steps.js';
import type { ScalingDemoView } from '../../src/scaling-demo/scaling-demo-response.js';
import { ApiProblem } from '../client.js';
import { figure } from '../figures.js';
import { LiveElement } from '../page-element.js';
import { RequestState } from '../request-state.js';

const PATH = '/v1/pipeline/scaling-demo';

/** Starts and stops the scaling demo, and shows its steps and then both rates. All pages show the same demo, since the console runs it. */
export class ScalingDemoPanel extends LiveElement {
  private readonly request = new RequestState(this);
  /** The console has refused to start because of the load of the machine. */
  private isMachineBusy = false;

  protected override render(): TemplateResult {
    const demo = this.live.latest?.scalingDemo ?? null;
    const isRunning = demo !== null && demo.endedAt === null;
    const press = (): void => this.send(isRunning ? `${PATH}/cancel` : PATH);
    // One button, so that it keeps the focus. It is not disabled while a request is under way, which would lose the focus too.
    return html`
      <div class="row">
        <button class=${isRunning ? '' : 'main'} ?disabled=${this.live.latest === null} @click=${press}>
          ${isRunning ? 'Stop and restore' : 'Show scaling'}
        </button>
        ${this.isMachineBusy ? html`<button @click=${() => this.send(PATH, { ignoreLoad: true })}>Show scaling anyway</button>` : nothing}
      </div>
      ${this.request.failureView()}
      ${demo === null ? nothing : isRunning ? stepList(demo) : demo.verdict && resultView(demo)}
      <p role="status" class=${demo?.endedAt ? (demo.verdict?.outcome ?? 'warn') : 'hidden'}>
        ${demo && statusText(demo)}
      </p>
    `;
  }

  private send(path: string, body?: object): void {
    if (this.request.isRunning) return;
    void this.request.run(async () => {
      this.isMachineBusy = false;
      try {
        await this.client.post(path, body);
      } catch (error) {
        this.isMachineBusy = error instanceof ApiProblem && error.code === 'machine-busy';
        throw error;
      }
    });
  }
}

/** Returns what each step does. */
function stepTexts({ limit, orders }: ScalingDemoView): Readonly<Record<DemoStep, string>> {
  return {
    prepare: `Set 1 consumer and ${figure(limit)} orders in flight`,
    populate: `Generate ${figure(orders)} test orders`,
    measure: 'Measure 1 consumer',
    scale: 'Scale to 3 consumers, and measure',
    restore: 'Restore the consumers and the limit',
  };
}

/** Returns what a screen reader announces: the present step, and at the end the result, which is visible too. */
function statusText(demo: ScalingDemoView): string {
  const { step, verdict, error, endedAt } = demo;
  if (endedAt === null) return stepTexts(demo)[step ?? 'restore'];
  if (error?.code === NOT_RESTORED) return error.message;
  return `${verdict === null ? `No verdict: ${error?.message}` : `${verdict.text}.`} The consumers and the limit are restored.`;
}

function stepList(demo: ScalingDemoView): TemplateResult {
  const texts = stepTexts(demo);
  return html`<ol class="demo-steps" aria-label="Steps of the scaling demo">
    ${DEMO_STEPS.map((step) => html`<li aria-current=${step === demo.step ? 'step' : nothing}>${texts[step]}</li>`)}
  </ol>`;
}

function resultView({ before, after }: ScalingDemoView): TemplateResult {
  const bar = (name: string, rate: number | null): TemplateResult => html`
    <dt>${name}</dt>
    <dd>
      <span class="rate-bar" style="--share: ${(100 * (rate ?? 0)) / Math.max(before ?? 0, after ?? 0)}%"></span>
      ${figure(rate)} saved/s
    </dd>
  `;
  return html`<div role="group" aria-label="Orders saved per second">
    <dl class="rates">${bar('1 consumer', before)} ${bar('3 consumers', after)}</dl>
  </div>`;
}
