import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { isLoopback } from '#service/http/known-hosts.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackFile } from './stack-file.js';
import { StateFolder } from './state.js';
import { SwarmError } from './docker.js';

/** The folder of the stack files. Paths in them are relative to it. */
export const STACK_FOLDER = join(PROJECT_DIRECTORY, 'deploy', 'swarm');
const HASH_LENGTH = 12;
const ADMIN = 'node --enable-source-maps dist/apps/admin/src/main.js';

export interface DeploymentOptions {
  /** The name of the stack. */
  readonly stack: string;
  /** Files with variables of the stack files; variables of the shell come first. */
  readonly envFiles: readonly string[];
  /** The folder of the state. */
  readonly state: string;
  /** Whether a development issuer is deployed too. */
  readonly devIssuer: boolean;
  /** Further stack files, which add to stack.yml or replace values in it. */
  readonly files: readonly string[];
}

/** What is deployed: the stack files with the operator's variables, and the folder with the secrets. */
export class Deployment {
  readonly stack: string;
  readonly state: StateFolder;
  /** How a job starts `npm run admin` in the image of the services. */
  readonly admin = ADMIN;
  private readonly given: Readonly<Record<string, string | undefined>>;

  /** @throws SwarmError `dev-issuer` if a development issuer would replace the configured one, or serve other machines */
  constructor(
    private readonly options: DeploymentOptions,
    environment: NodeJS.ProcessEnv,
  ) {
    this.stack = options.stack;
    this.state = new StateFolder(resolve(options.state));
    const fromFiles = options.envFiles.map((file) => parseEnv(readFileSync(file, 'utf8')));
    // Variables of the shell come first, and an empty one counts as absent.
    const ofShell = Object.fromEntries(Object.entries(environment).filter(([, value]) => Boolean(value)));
    this.given = Object.assign({ ORDERS_IMAGE: ownImage() }, ...fromFiles, ofShell) as NodeJS.ProcessEnv;
    if (options.devIssuer) this.requireTrial();
  }

  /** The address of the gateway. */
  get publicUrl(): string {
    return this.value('PUBLIC_URL', '');
  }

  /** The names of the gateway, for its certificate. */
  get publicHosts(): string[] {
    const names = [URL.parse(this.publicUrl)?.hostname ?? '', ...this.value('GATEWAY_HOSTS', '').split(',')];
    return names.map((name) => name.trim()).filter(Boolean);
  }

  /** Returns a variable. */
  value(name: string, byDefault: string): string {
    return this.given[name] || byDefault;
  }

  /** Reads the stack files with the present secrets and configs. @param more further variables */
  read(more: Readonly<Record<string, string>> = {}): StackFile {
    const values = { ...this.given, ...this.issuer(), ...this.fixed(), ...more };
    const { files } = StackFile.read(this.paths, values);
    const hashes = files.map(({ key, file }) => [`HASH_${key.toUpperCase().replaceAll('-', '_')}`, hashOf(file)]);
    return StackFile.read(this.paths, { ...values, ...(Object.fromEntries(hashes) as Record<string, string>) });
  }

  /** Returns the absolute path of a secret or config. */
  static pathOf(file: string): string {
    return resolve(STACK_FOLDER, file);
  }

  private get paths(): string[] {
    const names = ['stack.yml', ...(this.options.devIssuer ? ['stack.dev-issuer.yml'] : [])];
    return [...names.map((name) => join(STACK_FOLDER, name)), ...this.options.files];
  }

  private fixed(): Record<string, string> {
    const clusterId = this.state.exists ? this.state.read().clusterId : 'unknown';
    return { STACK: this.stack, SECRETS: this.state.secrets, KAFKA_CLUSTER_ID: clusterId, ADMIN };
  }

  /** In the development issuer, everybody logs in under any name. */
  private requireTrial(): void {
    const issuer = this.value('AUTH_ISSUER', '');
    const { protocol, hostname } = URL.parse(this.publicUrl) ?? {};
    if (issuer !== '')
      throw SwarmError.of('dev-issuer', `AUTH_ISSUER is ${issuer}: leave out --dev-issuer, or unset AUTH_ISSUER`);
    if (protocol !== 'https:' || hostname === undefined)
      throw SwarmError.of(
        'dev-issuer',
        `PUBLIC_URL is "${this.publicUrl}": set it to the https address of this machine, such as https://localhost:8443`,
      );
    if (!isLoopback(hostname.replace(/^\[|\]$/g, '')))
      throw SwarmError.of(
        'dev-issuer',
        `PUBLIC_URL is ${this.publicUrl}, which other machines reach: with --dev-issuer, everybody could log in under any name. Set AUTH_ISSUER to your provider instead, or PUBLIC_URL to an address of this machine, such as https://localhost:8443`,
      );
  }

  private issuer(): Record<string, string> {
    if (!this.options.devIssuer) return {};
    const issuer = new URL(this.publicUrl);
    issuer.port = this.value('ISSUER_PORT', '8444');
    return {
      AUTH_ISSUER: issuer.origin,
      // The services do not know the gateway's authority.
      AUTH_DISCOVERY_URL: 'http://issuer:3003',
      AUTH_ALLOW_HTTP_ISSUER: 'true',
    };
  }
}

/** The image that docs/run.md builds on a single node. */
function ownImage(): string {
  const { version } = JSON.parse(readFileSync(join(PROJECT_DIRECTORY, 'package.json'), 'utf8')) as { version: string };
  return `orders-pipeline:${version}`;
}

/** A missing file is reported before anything is deployed. */
function hashOf(file: string): string {
  const path = Deployment.pathOf(file);
  if (!existsSync(path)) return 'missing';
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, HASH_LENGTH);
}
