import { configureGlobal } from '../../node_modules/fast-check/lib/fast-check.js';

export * from '../../node_modules/fast-check/lib/fast-check.js';

// The default seed is the time of day: a commit would be red by chance for what an earlier one has too. PROPERTY_SEED tries others.
configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });
