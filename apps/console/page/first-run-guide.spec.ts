import { describe, expect, it } from '@jest/globals';
import {
  NEW_GUIDE,
  readProgress,
  StepWatch,
  withSteps,
  countQueries,
  swaggerUrl,
  type Observed,
} from './first-run-guide.js';

const NOTHING: Observed = { operations: 0, savedPerSecond: 0, scalings: 0, queries: 4 };

describe('a step of the guide', () => {
  it('is not done while nothing happens, or while it is unknown what happens', () => {
    const watch = new StepWatch();
    const unknown = { operations: null, savedPerSecond: null, scalings: 0, queries: null };
    expect([NOTHING, NOTHING, unknown, NOTHING].map((observed) => watch.take(observed))).toEqual([[], [], [], []]);
  });

  it.each([
    ['populate', { operations: 1 }],
    ['watch', { savedPerSecond: 0.2 }],
    ['scale', { scalings: 1 }],
  ])('is done: %s by %j', (step, observed) => {
    expect(new StepWatch().take({ ...NOTHING, ...observed })).toEqual([step]);
  });

  it('is done by a further query, but not by those before the page was opened, or by a restart of the query API', () => {
    const watch = new StepWatch();
    const taken = [4, 0, null, 1].map((queries) => watch.take({ ...NOTHING, queries }));
    expect(taken).toEqual([[], [], [], ['query']]);
  });
});

describe('the progress of the guide', () => {
  it('keeps what is done, in the order of the steps', () => {
    const one = withSteps(NEW_GUIDE, ['query']);
    expect(withSteps(one, ['populate', 'query'])).toEqual({ done: ['populate', 'query'], isDismissed: false });
    expect(withSteps(one, ['query'])).toBe(one);
  });

  it('survives storage', () => {
    const progress = { done: ['populate', 'scale'] as const, isDismissed: true };
    expect(readProgress(JSON.stringify(progress))).toEqual(progress);
  });

  it.each([null, '', 'null', '7', '[]', '{"done":7}', '{"done":["nothing"],"isDismissed":"no"}'])(
    'is new after %j',
    (text) => {
      expect(readProgress(text)).toEqual(NEW_GUIDE);
    },
  );
});

describe('the query API', () => {
  it.each([
    ['http://127.0.0.1:3000', 'localhost', 'http://localhost:3000/docs'],
    ['http://query-api:3000', 'localhost', 'http://localhost:3000/docs'],
    ['http://localhost:13000/', '192.168.1.7', 'http://192.168.1.7:13000/docs'],
    ['https://orders.example.com', 'console.example.com', 'https://orders.example.com/docs'],
  ])('at %s has its Swagger UI for a page on %s at %s', (queryApiUrl, host, url) => {
    expect(swaggerUrl(queryApiUrl, host)).toBe(url);
  });

  it('has answered the queries that its metrics count, without refused and other requests', () => {
    const metrics = [
      'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="2xx"} 3',
      'http_request_duration_seconds_count{method="GET",route="/v1/orders/:id",status="2xx"} 4',
      'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="4xx"} 50',
      'http_request_duration_seconds_count{method="GET",route="/health/live",status="2xx"} 600',
      'http_request_duration_seconds_sum{method="GET",route="/v1/orders",status="2xx"} 7000',
    ];
    expect([countQueries(metrics.join('\n')), countQueries('')]).toEqual([7, 0]);
  });
});
