import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from '../support/eventually.js';

const CONFIG = join(PROJECT_DIRECTORY, 'deploy/swarm/Caddyfile');

/** The gateway of the stack on this machine: the real Caddyfile, with other addresses and certificates. */
export class RunningGateway {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly port: number,
  ) {}

  /**
   * @param caddy the program
   * @param servicePort the port on loopback of all services
   * @param changes texts of the Caddyfile to replace, such as a time-out
   */
  static async start(
    caddy: string,
    servicePort: number,
    changes: Readonly<Record<string, string>> = {},
  ): Promise<RunningGateway> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-gateway-'));
    const [port, issuerPort, insidePort] = [await freePort(), await freePort(), await freePort()];
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
    await writeFile(join(directory, 'gateway-certificate'), cert);
    await writeFile(join(directory, 'gateway-key'), key);
    let config = (await readFile(CONFIG, 'utf8'))
      .replaceAll(/import (service|task) [a-z-]+ \d+/g, `import $1 127.0.0.1 ${servicePort}`)
      .replaceAll('/run/secrets', directory)
      .replace(':8443', `:${port}`)
      .replace(':8444', `:${issuerPort}`)
      .replace(':2020', `:${insidePort}`);
    for (const [text, by] of Object.entries(changes)) {
      if (!config.includes(text)) throw new Error(`the Caddyfile has no ${text}`);
      config = config.replaceAll(text, by);
    }
    await writeFile(join(directory, 'Caddyfile'), config);
    const child = spawn(caddy, ['run', '--config', join(directory, 'Caddyfile'), '--adapter', 'caddyfile'], {
      env: { PATH: process.env['PATH'], HOME: directory, IMPORT_MAX_BYTES: '1000000000' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr?.on('data', (chunk) => (log += String(chunk)));
    await eventually('the gateway is ready', async () =>
      fetch(`http://127.0.0.1:${insidePort}/ready`).then(
        ({ ok }) => ok,
        () => (child.exitCode === null ? false : { log }),
      ),
    );
    return new RunningGateway(child, directory, port);
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}
