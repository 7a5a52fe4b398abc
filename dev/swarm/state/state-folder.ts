import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateAuthority } from '../../servers/private-authority.js';
import { AUTHORITY_DAYS, issueCertificates } from './certificates.js';
import { secretFiles } from './secret-files.js';
import { newState, SwarmStateSchema, type SwarmState } from './swarm-state.js';

const DAY_MS = 86_400_000;

/**
 * The operator's folder of one swarm: what can't be made again (`state.json`, the authority's key), and a file for each secret in
 * `secrets/`. Only its owner can read it. Keep a copy at another place, as safe as a backup.
 */
export class StateFolder {
  constructor(readonly directory: string) {}

  /** The folder of the secrets, and of the authorities' certificates. */
  get secrets(): string {
    return join(this.directory, 'secrets');
  }

  get exists(): boolean {
    return existsSync(this.stateFile);
  }

  /** Makes everything that a new swarm needs. @param publicHosts the names of the gateway */
  async create(publicHosts: readonly string[]): Promise<void> {
    await mkdir(this.secrets, { recursive: true, mode: 0o700 });
    await chmod(this.directory, 0o700);
    await this.renewAuthority([]);
    await this.renewCertificates(publicHosts);
    await this.write(newState());
    await this.createClientKeys();
  }

  /** Makes the file of the API keys of the facade's clients, with no client, unless it exists: its content is the operator's. */
  async createClientKeys(): Promise<void> {
    const file = join(this.secrets, 'legacy-clients');
    if (!existsSync(file)) await this.replace(file, '{ "clients": [] }\n');
  }

  read(): SwarmState {
    return SwarmStateSchema.parse(JSON.parse(readFileSync(this.stateFile, 'utf8')));
  }

  /** Stores a state, and the secrets that follow from it. */
  async write(state: SwarmState): Promise<void> {
    for (const [name, content] of secretFiles(state)) await this.replace(join(this.secrets, name), content);
    // Last: a folder with a state is complete.
    await this.replace(this.stateFile, `${JSON.stringify(state, null, 2)}\n`);
  }

  /** Issues all certificates again, by the present authority. @param days until they expire */
  async renewCertificates(publicHosts: readonly string[], days?: number): Promise<void> {
    const certificate = readFileSync(this.authorityFile, 'utf8');
    const authority = new PrivateAuthority({
      certificate: firstOf(certificate),
      key: readFileSync(this.authorityKeyFile, 'utf8'),
    });
    for (const [name, content] of await issueCertificates(authority, publicHosts, days))
      await this.replace(join(this.secrets, name), content);
  }

  /** Makes a new authority, the first in the file. @param others certificates of authorities that stay valid */
  async renewAuthority(others: readonly string[]): Promise<void> {
    const notAfter = new Date(Date.now() + AUTHORITY_DAYS * DAY_MS);
    // A name of its own, so that a certificate has one possible issuer while two authorities are valid.
    const name = `Orders pipeline, authority ${randomBytes(4).toString('hex')}`;
    const { own } = await PrivateAuthority.create(name, notAfter);
    await this.replace(this.authorityKeyFile, own.key);
    await this.writeAuthorities([own.certificate, ...others]);
  }

  /** The certificates of the authorities that servers and services accept; the first one issues new certificates. */
  get authorities(): string[] {
    return readFileSync(this.authorityFile, 'utf8').match(CERTIFICATE) ?? [];
  }

  async writeAuthorities(certificates: readonly string[]): Promise<void> {
    await this.replace(this.authorityFile, certificates.map((each) => `${each.trim()}\n`).join(''));
  }

  /** The file of the authorities' certificates, which clients of the gateway need too. */
  get authorityFile(): string {
    return join(this.secrets, 'authority.pem');
  }

  private get authorityKeyFile(): string {
    return join(this.directory, 'authority-key.pem');
  }

  private get stateFile(): string {
    return join(this.directory, 'state.json');
  }

  /** Replaces a file at once, so that no crash leaves half of it. */
  private async replace(file: string, content: string): Promise<void> {
    await writeFile(`${file}.new`, content, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function firstOf(pem: string): string {
  return pem.match(CERTIFICATE)?.[0] ?? pem;
}
