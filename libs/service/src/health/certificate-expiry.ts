import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Gauge, type Registry } from 'prom-client';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** The options of MongoDB's address that name files with certificates. */
const MONGODB_FILES = ['tlsCAFile', 'tlsCertificateKeyFile'];

/** A certificate that a process uses. */
export interface UsedCertificate {
  /** The setting that it is from. */
  readonly setting: string;
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Exposes when the certificates of a service expire. They are those that it read at its start: a renewed file counts after a restart,
 * as it does for the connections.
 */
export function exposeCertificates(certificates: readonly UsedCertificate[], registry: Registry): void {
  if (certificates.length === 0) return;
  const gauge = new Gauge({
    name: 'service_certificate_expires_timestamp_seconds',
    help: 'When a certificate that this process uses expires, by its setting, in seconds since 1970',
    labelNames: ['setting', 'subject'],
    registers: [registry],
  });
  for (const { setting, subject, expiresAt } of certificates) gauge.set({ setting, subject }, expiresAt / 1_000);
}

/** Returns the certificates in the settings of a service: in those with PEM text, and in the files that MONGODB_URI names. */
export function usedCertificates(settings: object): UsedCertificate[] {
  return Object.entries(settings).flatMap(([setting, value]) => {
    if (typeof value !== 'string') return [];
    const texts = setting === 'MONGODB_URI' ? mongodbFiles(value) : [value];
    return texts.flatMap((text) => certificatesIn(text, setting));
  });
}

function certificatesIn(text: string, setting: string): UsedCertificate[] {
  return (text.match(CERTIFICATES) ?? []).map((pem) => {
    const { subject, validToDate } = new X509Certificate(pem);
    return { setting, subject: subject.replaceAll('\n', ', '), expiresAt: validToDate.getTime() };
  });
}

/** A file that can't be read is left out: the driver reports it when it connects. */
function mongodbFiles(uri: string): string[] {
  const options = new URLSearchParams(uri.split('?')[1]);
  return MONGODB_FILES.flatMap((name) => {
    const path = options.get(name);
    if (path === null) return [];
    try {
      return [readFileSync(path, 'utf8')];
    } catch {
      return [];
    }
  });
}
