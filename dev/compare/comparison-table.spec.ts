import { describe, expect, it } from '@jest/globals';
import { comparisonTable } from './comparison-table.js';
import { exampleReport } from './testing/example-report.js';

describe('the table', () => {
  const report = exampleReport();
  const lines = comparisonTable(report).split('\n');

  it('has a row for each way, measured or not', () => {
    expect(lines.slice(1, 1 + report.results.length).map((line) => line.split('  ')[0])).toEqual(
      report.results.map(({ label }) => label),
    );
  });

  it('marks calculated figures and names their sample', () => {
    expect(lines[1]).toMatch(/^one after another +1 +1 +~\d+ .* 497 .*1\.00x$/);
    expect(lines.find((line) => line.startsWith('~ calculated'))).toContain('in 6.50 s');
  });

  it('reports whether a thousand orders in flight met the limit', () => {
    expect(lines).toContain('unordered-4: 1000 orders in 1.20 s, wanted 1.5 s: reached.');
    const slow = report.results.map((way) => (way.name === 'unordered-4' ? { ...way, seconds: 1.6 } : way));
    expect(comparisonTable({ ...report, results: slow })).toContain('1.60 s, wanted 1.5 s: MISSED.');
  });

  it('reports when other programs loaded the machine', () => {
    expect(lines.join()).not.toContain('noisy');
    expect(comparisonTable({ ...report, noisy: true })).toContain('noisy: other things ran on the machine.');
  });
});
