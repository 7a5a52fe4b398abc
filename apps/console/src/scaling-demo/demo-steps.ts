/** The steps of a scaling demo, in their order. The page shows them too, so this file imports nothing. */
export const DEMO_STEPS = ['prepare', 'populate', 'measure', 'scale', 'restore'] as const;
export type DemoStep = (typeof DEMO_STEPS)[number];

/** The code of the error after which a person must set the number of consumers. */
export const NOT_RESTORED = 'not-restored';

/** How many consumers are compared. */
export const DEMO_CONSUMERS = { before: 1, after: 3 } as const;
