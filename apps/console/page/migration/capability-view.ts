import { html, nothing, type TemplateResult } from 'lit';
import { figure, moment, percent as share, plural, UNKNOWN } from '../figures.js';
import { tableHead } from '../table-view.js';
import {
  CAPABILITIES,
  neighbourOf,
  stateText,
  movesOf,
  unmetOf,
  verbOf,
  stagesOf,
  type Capability,
  type Move,
} from './capability.js';
import type { CapabilityState, Migration, GateCondition } from '#api/facade.js';

/**
 * Shows a capability: its track, its figures since the last change, the gate of the next step, and the buttons of its changes.
 * @param isChangeable whether the facade would accept a change now
 */
export function capabilityView(
  capability: Capability,
  migration: Migration,
  isChangeable: boolean,
  ask: (move: Move) => void,
): TemplateResult {
  const state = migration.capabilities[capability];
  const name = CAPABILITIES[capability];
  return html`<article class="capability" aria-labelledby="${capability}-title">
    <div class="row">
      <h3 id="${capability}-title">${name}</h3>
      <span class="status ${toneOf(state)}">${stateText(state)}</span>
      <span class="muted">since ${moment(state.since)}</span>
    </div>
    ${stageTrack(capability, state)} ${otherKeys(capability, state)} ${figuresView(capability, state)}
    ${gateView(capability, state)}
    <div class="row">
      ${movesOf(capability, migration).map(
        (move) =>
          html`<button ?disabled=${!isChangeable} @click=${() => ask(move)}>
            ${verbOf(move)}…<span class="hidden"> ${name.toLowerCase()}</span>
          </button>`,
      )}
    </div>
  </article>`;
}

function toneOf({ stage, percent }: CapabilityState): string {
  if (stage === 'off') return 'muted';
  return stage === 'complete' && percent === 100 ? 'good' : 'busy';
}

function otherKeys(capability: Capability, { stage, percent }: CapabilityState): TemplateResult | typeof nothing {
  const before = neighbourOf(capability, stage, -1);
  if (before === undefined || percent === 100) return nothing;
  const keys = capability === 'writes' ? 'accounts' : 'keys';
  return html`<p class="muted">The other ${100 - percent} % of the ${keys} are still at ${before}.</p>`;
}

function figuresView(capability: Capability, state: CapabilityState): TemplateResult {
  const { samples, mismatches, errorRate, p50Ms, p99Ms, pendingIntents } = state;
  const rows = [
    ['Error rate', share(errorRate.legacy), share(errorRate.new)],
    ['p50', milliseconds(p50Ms.legacy), milliseconds(p50Ms.new)],
    ['p99', milliseconds(p99Ms.legacy), milliseconds(p99Ms.new)],
  ] as const;
  return html`<dl class="counts">
      <div title="Answers of both sides that were compared since the last change">
        <dt>Samples</dt>
        <dd>${figure(samples)}</dd>
      </div>
      <div title="Differences that remained when both sides were asked again, since the last change">
        <dt>Mismatches</dt>
        <dd class=${mismatches > 0 ? 'bad' : nothing}>${figure(mismatches)}</dd>
      </div>
      ${
        capability === 'writes'
          ? html`<div title="Admitted writes that are not final on both sides">
              <dt>Pending intents</dt>
              <dd>${figure(pendingIntents)}</dd>
            </div>`
          : nothing
      }
    </dl>
    <table>
      <caption class="hidden">
        ${CAPABILITIES[capability]}: both sides since the last change
      </caption>
      ${tableHead([
        'Since the last change',
        { text: 'Legacy system', style: 'number' },
        { text: 'Target', style: 'number' },
      ])}
      <tbody>
        ${rows.map(
          ([name, legacy, other]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${legacy}</td>
              <td class="number">${other}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function gateView(capability: Capability, { stage, percent, gate }: CapabilityState): TemplateResult {
  const next = percent === 100 ? neighbourOf(capability, stage, 1) : stage;
  if (next === undefined) return html`<p class="good">Complete: no step is left.</p>`;
  if (gate.length === 0) return html`<p class="muted">The step to ${next} needs no gate.</p>`;
  const unmet = unmetOf(gate).length;
  const step = percent === 100 ? `to ${next}` : `to more of ${next}`;
  return html`<details ?open=${unmet > 0}>
    <summary>
      Gate ${step}:
      <span class=${unmet === 0 ? 'good' : 'warn'}
        >${unmet === 0 ? 'all conditions are met' : `${plural(unmet, 'condition is', 'conditions are')} not met`}</span
      >
    </summary>
    ${conditionList(gate, `Gate ${step} of ${CAPABILITIES[capability].toLowerCase()}`)}
  </details>`;
}

function milliseconds(value: number | null): string {
  return value === null ? UNKNOWN : `${figure(value)} ms`;
}

/** Shows the stages of a capability in a row, from `off` to `complete`: passed ones, the present one with its percentage, and those ahead. */
function stageTrack(capability: Capability, { stage, percent }: CapabilityState): TemplateResult {
  const stages = stagesOf(capability);
  const present = stages.indexOf(stage);
  return html`<ol class="track" aria-label="Stages of ${CAPABILITIES[capability].toLowerCase()}">
    ${stages.map((each, at) => {
      const place = at < present ? 'passed' : at === present ? 'present' : 'ahead';
      const filled = at < present ? 100 : at === present && at > 0 ? percent : 0;
      return html`<li class=${place} aria-current=${at === present ? 'step' : nothing}>
        <span class="bar" style="--share: ${filled}%"></span>
        <span class="stage">${each}${at === present && at > 0 ? html` <b>${percent} %</b>` : nothing}</span>
      </li>`;
    })}
  </ol>`;
}

/** Lists conditions of the gate: what is required, what was found, and whether it is met. */
export function conditionList(gate: readonly GateCondition[], name: string): TemplateResult {
  return html`<ul class="gate" aria-label=${name}>
    ${gate.map(
      ({ condition, wanted, found, holds }) =>
        html`<li>
          <span class=${holds ? 'good' : 'bad'}>${holds ? '✓ met' : '✗ not met'}</span>
          <span><b>${condition}</b>: required ${wanted}; found ${found}</span>
        </li>`,
    )}
  </ul>`;
}
