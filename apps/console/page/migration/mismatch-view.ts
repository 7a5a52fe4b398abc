import { html, nothing, type TemplateResult } from 'lit';
import { hashOf, parseAddress } from '../routing/address.js';
import { moment, plural } from '../text/figures.js';
import { CAPABILITIES } from './capability.js';
import type { Difference, Mismatch } from './facade-api.js';
import { differenceOf } from './text-difference.js';

/** Shows a mismatch: what was asked for, and on request each field with both values, and both answers. */
export function mismatchView(mismatch: Mismatch): TemplateResult {
  const { capability, key, paths, recheck, count, lastAt, legacyRaw, newRaw } = mismatch;
  return html`<details>
    <summary>
      <b>${CAPABILITIES[capability]}</b> <code>${key}</code>: ${paths.map(({ path }) => path).join(', ')}
      <small>
        ${plural(count, 'time')}, last
        ${moment(lastAt)}${recheck === 'passed' ? ', equal when asked again: does not count' : ''}
      </small>
    </summary>
    <div class="scrolls" tabindex="0" role="region" aria-label="Both values of each field">
      <table class="comparison">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Legacy system</th>
            <th scope="col">New side</th>
          </tr>
        </thead>
        <tbody>
          ${paths.map((difference) => fieldRow(difference))}
        </tbody>
      </table>
    </div>
    ${orderLink(key)}
    <details>
      <summary>Both answers</summary>
      ${answerView('Answer of the legacy system', legacyRaw)} ${answerView('Answer of the new side', newRaw)}
    </details>
  </details>`;
}

/** The row of a field; the characters that differ are marked. */
export function fieldRow({ path, legacy, new: other, code, detail }: Difference): TemplateResult {
  const both = legacy !== undefined && other !== undefined ? differenceOf(legacy, other) : undefined;
  const cause = [code, detail].filter((text) => text !== undefined).join(': ');
  return html`<tr>
    <th scope="row">${path}${cause === '' ? nothing : html`<br /><small>${cause}</small>`}</th>
    <td>${both === undefined ? (legacy ?? 'none') : marked(both.start, both.legacy, both.end)}</td>
    <td>${both === undefined ? (other ?? 'none') : marked(both.start, both.new, both.end)}</td>
  </tr>`;
}

function marked(start: string, middle: string, end: string): TemplateResult {
  return html`${start}${middle === '' ? nothing : html`<mark>${middle}</mark>`}${end}`;
}

function orderLink(key: string): TemplateResult | typeof nothing {
  const address = parseAddress(`#orders/${key}`);
  return address === null ? nothing : html`<p><a href=${hashOf(address)}>Show the order of the new side</a></p>`;
}

function answerView(name: string, text: string): TemplateResult {
  return html`<h4>${name}</h4>
    <pre tabindex="0" role="region" aria-label=${name}>${text}</pre>`;
}
