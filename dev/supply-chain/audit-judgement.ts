import { z } from 'zod';

/** An advisory that the project accepts for a time, such as one about code that it does not call. */
export const AllowedAdvisoriesSchema = z.array(
  z.strictObject({
    advisory: z.string().regex(/^GHSA(-[\da-z]{4}){3}$/),
    reason: z.string().min(20),
    /** The last day on which the entry counts. */
    expires: z.iso.date(),
  }),
);
export type AllowedAdvisories = z.infer<typeof AllowedAdvisoriesSchema>;

/** The part of `npm audit --json` that is read. A text in `via` is the name of another vulnerable package. */
const ReportSchema = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      via: z.array(z.union([z.string(), z.object({ url: z.string(), title: z.string(), severity: z.string() })])),
    }),
  ),
});

export type AuditJudgement =
  /** The registry gave no report, so nothing is known. */
  | { readonly result: 'not-checked'; readonly reason: string }
  | { readonly result: 'passed' | 'failed'; readonly lines: readonly string[] };

/**
 * Judges the output of `npm audit --json`.
 * @param today as YYYY-MM-DD
 * @returns `failed` for an advisory that is not allowed, an entry that has expired, and one that no advisory needs
 */
export function judgeAudit(output: string, allowed: AllowedAdvisories, today: string): AuditJudgement {
  const report = parsed(output);
  if (report === undefined) return { result: 'not-checked', reason: output.trim().slice(0, 300) || 'no output' };
  const found = advisoriesOf(report);
  const entries = new Map(allowed.map((entry) => [entry.advisory, entry]));
  const expired = allowed.filter(({ expires }) => expires < today);
  const faults = [
    ...[...found]
      .filter(([id]) => !entries.has(id))
      .map(([id, text]) => `${id}: ${text}: update the package, or allow it with a reason`),
    ...expired.map(
      ({ advisory, expires }) => `${advisory}: its entry expired on ${expires}: update the package, or decide again`,
    ),
    ...allowed
      .filter(({ advisory }) => !found.has(advisory))
      .map(({ advisory }) => `${advisory}: no package has it any more: remove its entry`),
  ];
  if (faults.length > 0) return { result: 'failed', lines: faults };
  return {
    result: 'passed',
    lines: allowed.map(({ advisory, expires, reason }) => `${advisory} is allowed until ${expires}: ${reason}`),
  };
}

function parsed(output: string): z.infer<typeof ReportSchema> | undefined {
  try {
    return ReportSchema.safeParse(JSON.parse(output)).data;
  } catch {
    // Not JSON: npm's own error text.
    return undefined;
  }
}

/** Returns the advisories by id, each with the packages that have it. */
function advisoriesOf({ vulnerabilities }: z.infer<typeof ReportSchema>): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, { via }] of Object.entries(vulnerabilities)) {
    for (const each of via) {
      if (typeof each === 'string') continue;
      const id = each.url.split('/').at(-1) ?? each.url;
      const before = found.get(id);
      found.set(id, before === undefined ? `${each.severity}, ${each.title} (${name})` : `${before} (${name})`);
    }
  }
  return found;
}
