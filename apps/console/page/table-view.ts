import { html, nothing, type TemplateResult } from 'lit';

/** The head of a column: its text, or the text with what else it has. */
export type Column =
  | string
  | {
      readonly text: string | TemplateResult;
      /** `number`: aligned to the right. `spare`: left out where there is little room. */
      readonly style?: string;
      /** A tooltip that explains the figures. */
      readonly title?: string;
    };

/**
 * Shows a table that scrolls sideways where it has too little room. The region is named and can have the focus, so that the keyboard
 * scrolls it too.
 * @param name the name of the region, for screen readers
 * @param rows a row for each thing, whose first cell or name is a `th` with the scope `row`
 */
export function tableView(
  name: string,
  columns: readonly Column[],
  rows: readonly TemplateResult[],
  style?: string,
): TemplateResult {
  return html`<div class="scrolls" tabindex="0" role="region" aria-label=${name}>
    <table class=${style ?? nothing}>
      ${tableHead(columns)}
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

export function tableHead(columns: readonly Column[]): TemplateResult {
  return html`<thead>
    <tr>
      ${columns.map((column) => {
        const { text, style, title } = typeof column === 'string' ? { text: column } : column;
        return html`<th scope="col" class=${style ?? nothing} title=${title ?? nothing}>${text}</th>`;
      })}
    </tr>
  </thead>`;
}

/** Shows what is known about one thing: names, and values beside them. @param facts a value of `null` is left out with its name */
export function factsView(facts: readonly (readonly [name: string, value: unknown])[]): TemplateResult {
  return html`<dl class="facts">
    ${facts.map(([name, value]) =>
      value === null
        ? nothing
        : html`<dt>${name}</dt>
            <dd>${value}</dd>`,
    )}
  </dl>`;
}
