/** Where browsers reach the query API, as far as the console knows. */
export interface PageSettings {
  readonly queryApiUrl: string;
}

/** A name that only the console's own network or machine resolves. */
const INTERNAL_NAME = /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|[^.:]+)$/;

/**
 * Returns the address of the query API's Swagger UI for this browser. When the console reaches the query API by a loopback address or by a
 * name without dots, as in Compose, the browser reaches it on the page's host at the same port.
 */
export function swaggerUrl({ queryApiUrl }: PageSettings, pageHost: string): string {
  const url = new URL('/docs', queryApiUrl);
  if (INTERNAL_NAME.test(url.hostname)) url.hostname = pageHost;
  return url.href;
}

const ORDERS_ANSWERED =
  /^http_request_duration_seconds_count\{.*route="\/v1\/orders[^"]*",status="2xx"\} (?<count>\d+)$/gm;

/** Counts the queries of orders that the query API has answered, from its Prometheus metrics. */
export function countQueries(metrics: string): number {
  return [...metrics.matchAll(ORDERS_ANSWERED)].reduce((sum, { groups }) => sum + Number(groups?.['count']), 0);
}
