import { html, nothing, type TemplateResult } from 'lit';
import { elapsed, momentWithMs } from './figures.js';

/** What happened at a time. */
export interface TimeLineStep {
  /** A time of an API; `null`: unknown. */
  readonly at: string | null;
  readonly text: string | TemplateResult;
  /** The tone of the step. Default: neutral. */
  readonly style?: 'good' | 'bad';
}

/**
 * Shows steps below each other: the time of each, and how long it was after the last one before it that has a time.
 * @param name the name of the list, for screen readers
 */
export function timeLineView(name: string, steps: readonly TimeLineStep[]): TemplateResult {
  const times = stepTimes(steps);
  return html`<ol class="time-line" aria-label=${name}>
    ${steps.map(({ at, text, style }, index) => {
      const { time = '', later = null } = times[index] ?? {};
      return html`<li class=${style ?? nothing}>
        ${at === null ? UNKNOWN_TIME : html`<time class="when" datetime=${at} title=${momentWithMs(at)}>${time}</time>`}
        <span>${text}${later === null ? nothing : html` <small>${later} later</small>`}</span>
      </li>`;
    })}
  </ol>`;
}

const UNKNOWN_TIME = html`<span class="when unknown"
  ><span aria-hidden="true">–</span><span class="hidden">Unknown time:</span></span
>`;

/** The time of a step as it is shown. */
interface ShownTime {
  /** The day is left out if it is that of the time before. Empty: unknown. */
  readonly time: string;
  /** The time since the step before; `null`: unknown, also if the clocks of both differ so much that it would be negative. */
  readonly later: string | null;
}

const DAY_LENGTH = '2026-01-31 '.length;

/** Returns the times of steps in UTC, with milliseconds. */
export function stepTimes(steps: readonly Pick<TimeLineStep, 'at'>[]): ShownTime[] {
  let before: string | null = null;
  return steps.map(({ at }) => {
    if (at === null) return { time: '', later: null };
    const moment = momentWithMs(at);
    const day = moment.slice(0, DAY_LENGTH);
    const passed = before === null ? -1 : Date.parse(at) - Date.parse(before);
    const time = before !== null && momentWithMs(before).startsWith(day) ? moment.slice(DAY_LENGTH) : moment;
    before = at;
    return { time, later: passed < 0 ? null : elapsed(passed) };
  });
}
