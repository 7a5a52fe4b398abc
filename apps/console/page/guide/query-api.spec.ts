import { describe, expect, it } from '@jest/globals';
import { countQueries, swaggerUrl } from './query-api.js';

describe('the query API', () => {
  it.each([
    ['http://127.0.0.1:3000', 'localhost', 'http://localhost:3000/docs'],
    ['http://query-api:3000', 'localhost', 'http://localhost:3000/docs'],
    ['http://localhost:13000/', '192.168.1.7', 'http://192.168.1.7:13000/docs'],
    ['https://orders.example.com', 'console.example.com', 'https://orders.example.com/docs'],
  ])('at %s has its Swagger UI for a page on %s at %s', (queryApiUrl, host, url) => {
    expect(swaggerUrl({ queryApiUrl }, host)).toBe(url);
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
