import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** A certificate and its private key, in PEM format. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

const COMMON = { keyType: 'ec', algorithm: 'sha256' } as const;
/** Java and OpenSSL reject a certificate of the same second on a clock that is a little behind. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** A certificate authority. That of the embedded servers stays in memory: a restart creates another one. That of a swarm is stored. */
export class PrivateAuthority {
  /** @param own its certificate and key, such as those of `create` */
  constructor(readonly own: CertifiedKey) {}

  /** @param notAfter when it expires; default: after a year */
  static async create(name = 'Orders pipeline, private authority', notAfter?: Date): Promise<PrivateAuthority> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      ...COMMON,
      notBeforeDate: new Date(Date.now() - CLOCK_TOLERANCE_MS),
      ...(notAfter !== undefined && { notAfterDate: notAfter }),
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    return new PrivateAuthority({ certificate: cert, key });
  }

  get certificate(): string {
    return this.own.certificate;
  }

  /**
   * Issues a certificate for host names and IP addresses, for a server or a client.
   * @param notAfter when it expires; default: after a year
   */
  async issue(name: string, hosts: readonly string[], notAfter?: Date): Promise<CertifiedKey> {
    const earliest = Math.min(Date.now(), notAfter?.getTime() ?? Infinity);
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
      ...COMMON,
      notBeforeDate: new Date(earliest - CLOCK_TOLERANCE_MS),
      ...(notAfter !== undefined && { notAfterDate: notAfter }),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
        },
      ],
      ca: { key: this.own.key, cert: this.own.certificate },
    });
    return { certificate: cert, key };
  }
}
