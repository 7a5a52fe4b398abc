/** PromQL keywords that may occur in the place of a metric name. */
const WORDS = new Set([
  'and',
  'or',
  'unless',
  'bool',
  'offset',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
]);
const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g;

/** Returns the metric names in a PromQL expression. */
export function metricNames(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '')
    .replaceAll(/\{[^{}]*\}/g, ' ')
    .replaceAll(/\[[^[\]]*\]/g, ' ')
    .replaceAll(LABEL_LISTS, ' ');
  // A name before a bracket is a function or an aggregation.
  const found = [...bare.matchAll(/(?<![\w:.$])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()/g)].map(([name]) => name);
  return [...new Set(found.filter((name) => !WORDS.has(name)))];
}
