import { X509Certificate } from 'node:crypto';
import { OPERATOR_NAME } from '../../servers/kafka-security.js';
import type { PrivateAuthority } from '../../servers/private-authority.js';

const DAY_MS = 86_400_000;
/** The authority outlives many certificates. */
export const AUTHORITY_DAYS = 3_650;
const CERTIFICATE_DAYS = 365;
/** The alert CertificateExpires warns 21 days before. */
const WARN_DAYS = 30;

/** A server, or the operator, and the names by which clients reach it. */
interface Certified {
  readonly name: string;
  readonly hosts: readonly string[];
  /** `both`: key and certificate in one file, as Kafka and MongoDB read them. */
  readonly form: 'both' | 'separate';
}

const LOCAL = ['localhost', '127.0.0.1'];

function certified(publicHosts: readonly string[]): Certified[] {
  const nodes = [1, 2, 3];
  return [
    ...nodes.map((id) => ({ name: `kafka-${id}`, hosts: [`kafka-${id}`, ...LOCAL], form: 'both' as const })),
    ...nodes.map((id) => ({ name: `mongodb-${id}`, hosts: [`mongodb-${id}`, ...LOCAL], form: 'both' as const })),
    { name: 'registry', hosts: ['registry', ...LOCAL], form: 'separate' },
    { name: 'gateway', hosts: [...new Set([...publicHosts, 'gateway', ...LOCAL])], form: 'separate' },
    { name: 'operator', hosts: LOCAL, form: 'separate' },
  ];
}

/**
 * Issues the certificates of all servers and of the operator.
 * @param publicHosts the names of the gateway
 * @param days until they expire
 * @returns their contents by the names of their files
 */
export async function issueCertificates(
  authority: PrivateAuthority,
  publicHosts: readonly string[],
  days = CERTIFICATE_DAYS,
): Promise<ReadonlyMap<string, string>> {
  const notAfter = new Date(Date.now() + days * DAY_MS);
  const files = await Promise.all(
    certified(publicHosts).map(async ({ name, hosts, form }) => {
      // Brokers, controllers and the operator are known to Kafka by this one name.
      const subject = name.startsWith('kafka-') || name === 'operator' ? OPERATOR_NAME : `orders-${name}`;
      const { certificate, key } = await authority.issue(subject, hosts, notAfter);
      if (form === 'both') return [[`${name}.pem`, `${key.trim()}\n${certificate.trim()}\n`]] as const;
      return [
        [`${name}-certificate.pem`, certificate],
        [`${name}-key.pem`, key],
      ] as const;
    }),
  );
  return new Map(files.flat());
}

/** Returns a line for each certificate of a PEM text that has expired, or that expires within 30 days. */
export function expiries(pem: string, now: number): { readonly hasExpired: boolean; readonly text: string }[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).flatMap((each) => {
    const { validToDate, subject } = new X509Certificate(each);
    const days = (validToDate.getTime() - now) / DAY_MS;
    if (days > WARN_DAYS) return [];
    const name = subject.replaceAll('\n', ', ');
    const hasExpired = days <= 0;
    const when = `${hasExpired ? 'expired' : 'expires'} on ${validToDate.toISOString().slice(0, 10)}`;
    return [{ hasExpired, text: `the certificate of ${name} ${when}` }];
  });
}
