/** What stands for the id of a trace in `TRACE_URL_TEMPLATE`. */
export const TRACE_ID_PLACEHOLDER = '{traceId}';

/** Links traces to the UI that shows them. */
export class TraceLinks {
  /** @param template an address with the placeholder; `undefined`: there is no such UI */
  constructor(private readonly template: string | undefined) {}

  /** @returns `null` without a template or a trace */
  urlOf(traceId: string | undefined): string | null {
    if (this.template === undefined || traceId === undefined) return null;
    return this.template.replaceAll(TRACE_ID_PLACEHOLDER, traceId);
  }
}
