/** A translation bug that the demo plants in the facade: one text of one compiled file, replaced by another. */
export interface TranslationBug {
  readonly name: string;
  /** What goes wrong, for people. */
  readonly description: string;
  /** The field in which the answers of the two sides then differ; `order`: whole orders are missing. */
  readonly field: string;
  /** Path in the project, such as `dist/libs/legacy/src/translation/api-order.js`. */
  readonly file: string;
  /** Must occur exactly once in the file. */
  readonly replace: string;
  readonly by: string;
  /** `writes`: wrong orders are stored on the target, and must be repaired. `reads`: its answers are misread. */
  readonly affects: 'writes' | 'reads';
}

const API_ORDER = 'dist/libs/legacy/src/translation/api-order.js';
const TARGET_ANSWER = 'dist/apps/facade/src/sides/target-reads.js';
const LEGACY_READ = 'dist/apps/facade/src/sides/side.js';

/** The first one is the default. */
export const TRANSLATION_BUGS = [
  {
    name: 'local-time-as-utc',
    description: "shows the target's times in UTC as if they were local times",
    field: 'createdAt',
    file: TARGET_ANSWER,
    replace: 'return legacyView(order, zone);',
    by: "return { ...legacyView(order, zone), createdAt: order.createdAt.toISOString().replace('Z', '') };",
    affects: 'reads',
  },
  {
    name: 'float-price',
    description: 'writes the price to the target through a float with two decimals',
    field: 'price',
    file: API_ORDER,
    replace: 'price: formatMoney(order.price)',
    by: 'price: (Number(order.price) / 10_000).toFixed(2)',
    affects: 'writes',
  },
  {
    name: 'symbol-case',
    description: 'writes symbols to the target in lower case',
    field: 'symbol',
    file: API_ORDER,
    replace: 'symbol: order.symbol',
    by: 'symbol: order.symbol.toLowerCase()',
    affects: 'writes',
  },
  {
    name: 'default-currency',
    description: 'writes each order to the target in the currency of most orders',
    field: 'currency',
    file: API_ORDER,
    replace: 'currency: order.currency',
    by: "currency: 'EUR'",
    affects: 'writes',
  },
  {
    name: 'side-swapped',
    description: "reads a buy of the target's answer as a sell, and the other way round",
    field: 'side',
    file: API_ORDER,
    replace: '...plain,',
    by: "...plain, side: plain.side === 'buy' ? 'sell' : 'buy',",
    affects: 'reads',
  },
  {
    name: 'page-off-by-one',
    description: 'asks the target for one order too few of each page',
    field: 'order',
    file: LEGACY_READ,
    replace: 'to: read.page * INTERVAL_NUMBERS',
    by: 'to: read.page * INTERVAL_NUMBERS - 1',
    affects: 'reads',
  },
] as const satisfies readonly TranslationBug[];

export const BUG_NAMES: readonly string[] = TRANSLATION_BUGS.map(({ name }) => name);

/** @returns `undefined` for an unknown name */
export function bugOf(name: string): TranslationBug | undefined {
  return TRANSLATION_BUGS.find((bug) => bug.name === name);
}

/**
 * Returns the text of the bug's file with the bug in it.
 * @throws Error unless the replaced text occurs exactly once: the code has changed, and the bug must follow it
 */
export function withBug(text: string, { name, file, replace, by }: TranslationBug): string {
  const found = text.split(replace).length - 1;
  if (found !== 1)
    throw new Error(`${file} has the text of bug ${name} ${found} times instead of once: update the bug`);
  return text.replace(replace, () => by);
}
