import { z } from 'zod';

/** Whether clients may ask for faulty records: for test data only, since they cost the consumers time and become dead letters. */
export const faultSettings = {
  ALLOW_FAULT_INJECTION: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({
      description:
        '`true`: `faults` of `POST /v1/populate` are allowed, with tokens to callers with the scope `faults:inject`. `npm start` sets it; not for production.',
      shownDefault: 'false; true with `npm start`',
    }),
};
