import * as fc from 'fast-check';

// With the same seed, a mutant is killed every time, or never.
fc.configureGlobal({ endOnFailure: true, seed: 1 });
