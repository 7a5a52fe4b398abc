import { z } from 'zod';

/** The settings of all processes that write or read the legacy system's orders. */
export const legacySettings = {
  LEGACY_TIME_ZONE: z
    .string()
    .regex(/^[A-Z][A-Za-z0-9_+/-]*$/)
    .refine(isTimeZone)
    .default('UTC')
    .meta({
      description: "Time zone of the legacy system's timestamps, which have none.",
      allowed: 'an IANA time zone such as Europe/Berlin',
    }),
};

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
