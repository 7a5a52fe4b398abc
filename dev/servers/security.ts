import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { roleName } from '#service/rights/mongodb-rights.js';
import { SERVICE_RIGHTS, SERVICES, type ServiceName, type ServerUser } from '#service/rights/service-rights.js';
import { OPERATOR_NAME, type KafkaSecurity } from './kafka.js';
import type { MongodbSecurity } from './mongodb.js';
import { PrivateAuthority, type CertifiedKey } from './private-authority.js';
import type { RegistrySecurity } from './registry.js';

const SECRET_BYTES = 24;

/**
 * What a secured stack has at each start: an authority, a user for each service, and one folder with everything that the services
 * and a person need. All secrets are random and new, and only the owner can read them.
 */
export class StackSecurity {
  private readonly passwords = new Map<ServiceName, string>(SERVICES.map((service) => [service, randomSecret()]));
  /** The contents of MongoDB's key file, with which members, and this process, sign in. It may have the characters of base64 only. */
  private readonly mongodbKey = randomBytes(SECRET_BYTES).toString('base64');

  private constructor(
    private readonly authority: PrivateAuthority,
    /** The certificate with which this process signs in at Kafka as an administrator. */
    private readonly operator: CertifiedKey,
    readonly folder: string,
  ) {}

  /** @param folder of the run; it is created for its owner only */
  static async create(folder: string): Promise<StackSecurity> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const authority = await PrivateAuthority.create();
    const operator = await authority.issue(OPERATOR_NAME, ['127.0.0.1']);
    const security = new StackSecurity(authority, operator, folder);
    await writeFile(security.authorityFile, authority.certificate);
    return security;
  }

  get authorityFile(): string {
    return join(this.folder, 'authority.pem');
  }

  /** The user of a service. */
  user(service: ServiceName): ServerUser {
    return { name: roleName(service), password: this.passwords.get(service) ?? '' };
  }

  /** The users of all services. */
  get users(): ServerUser[] {
    return SERVICES.map((service) => this.user(service));
  }

  get kafka(): KafkaSecurity {
    const clients = SERVICES.filter((service) => SERVICE_RIGHTS[service].kafka.length > 0);
    return { authority: this.authority, operator: this.operator, clients: clients.map((each) => this.user(each)) };
  }

  get registry(): RegistrySecurity {
    const users = SERVICES.filter((service) => SERVICE_RIGHTS[service].registersSchema);
    return { authority: this.authority, users: users.map((each) => this.user(each)) };
  }

  get mongodb(): MongodbSecurity {
    return { authority: this.authority, authorityFile: this.authorityFile, key: this.mongodbKey };
  }
}

function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
