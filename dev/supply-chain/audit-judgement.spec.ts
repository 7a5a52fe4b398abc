import { describe, expect, it } from '@jest/globals';
import { AllowedAdvisoriesSchema, judgeAudit } from './audit-judgement.js';

const TODAY = '2026-11-28';
const ID = 'GHSA-aaaa-bbbb-cccc';
const REPORT = JSON.stringify({
  auditReportVersion: 2,
  vulnerabilities: {
    deep: { via: [{ url: `https://github.com/advisories/${ID}`, title: 'Reads too far', severity: 'high' }] },
    above: { via: ['deep'] },
  },
});
const NONE = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} });
const REASON = 'only the build calls it, with our own input';

describe('an audit of the packages', () => {
  it('passes without advisories', () => {
    expect(judgeAudit(NONE, [], TODAY)).toEqual({ result: 'passed', lines: [] });
  });

  it('fails with an advisory, and names it once', () => {
    expect(judgeAudit(REPORT, [], TODAY)).toEqual({
      result: 'failed',
      lines: [`${ID}: high, Reads too far (deep): update the package, or allow it with a reason`],
    });
  });

  it('accepts an allowed advisory up to its last day', () => {
    const entry = { advisory: ID, reason: REASON, expires: TODAY };
    expect(judgeAudit(REPORT, [entry], TODAY).result).toBe('passed');
    expect(judgeAudit(REPORT, [{ ...entry, expires: '2026-11-27' }], TODAY)).toEqual({
      result: 'failed',
      lines: [`${ID}: its entry expired on 2026-11-27: update the package, or decide again`],
    });
  });

  it('fails with an entry that nothing needs', () => {
    const entry = { advisory: ID, reason: REASON, expires: '2027-01-01' };
    expect(judgeAudit(NONE, [entry], TODAY).result).toBe('failed');
  });

  it.each([
    ['an error of the registry', JSON.stringify({ message: '405 Method Not Allowed', error: { summary: '' } })],
    ['no JSON', 'npm error network'],
    ['nothing', ''],
  ])('does not pass on %s', (_what, output) => {
    expect(judgeAudit(output, [], TODAY).result).toBe('not-checked');
  });

  it.each([
    ['no expiry', { advisory: ID, reason: REASON }],
    ['no day', { advisory: ID, reason: REASON, expires: 'never' }],
    ['no reason', { advisory: ID, reason: '', expires: TODAY }],
  ])('rejects an entry with %s', (_what, entry) => {
    expect(AllowedAdvisoriesSchema.safeParse([entry]).success).toBe(false);
  });
});
