import { Logger } from '@nestjs/common';
import { Outages } from './outages.js';

/** Returns outages that Nest's logger reports. @param context the part of the service that notices them */
export function loggedOutages(context: string): Outages {
  const logger = new Logger(context);
  return new Outages({
    warn: (fields, message) => logger.warn(fields, message),
    info: (fields, message) => logger.log(fields, message),
  });
}
