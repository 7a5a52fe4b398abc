import { wholeNumber } from '../settings/settings.js';

/** The settings of every service whose requests are audited. */
export const auditSettings = {
  AUDIT_RETENTION_DAYS: wholeNumber(1, 36_500)
    .default(400)
    .meta({ description: 'Days until MongoDB removes an audit event; a change holds for new events.' }),
};

/** The parsed `auditSettings`. */
export interface AuditSettings {
  readonly AUDIT_RETENTION_DAYS: number;
}
