import { ENGINE_ATTEMPT_MUTANTS } from './engine-attempt-mutants.js';
import { ENGINE_MEMBER_MUTANTS } from './engine-member-mutants.js';
import { ENGINE_RECORD_MUTANTS } from './engine-record-mutants.js';
import { FACADE_MUTANTS } from './facade-mutants.js';
import { SERVICE_MUTANTS } from './service-mutants.js';

/** All mutants, by source. */
export const SOURCES = [
  ...ENGINE_RECORD_MUTANTS,
  ...ENGINE_ATTEMPT_MUTANTS,
  ...ENGINE_MEMBER_MUTANTS,
  ...FACADE_MUTANTS,
  ...SERVICE_MUTANTS,
];
