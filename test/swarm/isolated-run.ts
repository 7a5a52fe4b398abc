// The scenario of `npm run test:swarm`, in a network of its own that run.ts made.
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../dev/parts/cache-directory.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { explain } from '../../dev/stack-error.js';
import { Checklist } from '../compose/checklist.js';
import { PrivateEngine } from '../compose/private-engine.js';
import { Operator } from './operator.js';
import { PORTS, Scenario } from './scenario.js';
import { provideSwarmImages } from './swarm-images.js';
import { readSwarmOptions } from './swarm-options.js';

const LOG_LINES = '20';
/** Sizes for two busy cores, below those of one-node.env. */
const SIZES = { KAFKA_HEAP: '256m', KAFKA_MEMORY: '700M', MONGODB_CACHE_GIB: '0.25', MONGODB_MEMORY: '800M' };

const checklist = new Checklist();
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => interrupted.abort(new Error(`Ended by ${name}; cleaning up.`)));

async function prepare(engine: PrivateEngine, context: string): Promise<void> {
  // The ports that the swarm publishes, and the paths of the engine, are on loopback.
  await promisify(execFile)('ip', ['link', 'set', 'lo', 'up']);
  await engine.start();
  await provideSwarmImages(engine, context, interrupted.signal);
  for (const [image, tag] of [
    ['orders-pipeline', 'orders-pipeline:tested'],
    ['orders-pipeline-dev-issuer', 'orders-pipeline:tested-dev-issuer'],
  ] as const)
    await engine.docker(['tag', image, tag]);
  const broken = 'FROM orders-pipeline\nUSER root\nRUN rm dist/apps/query-api/src/main.js\nUSER node\n';
  await engine.shell('docker build --network none --tag orders-pipeline:broken -', {}, broken);
}

async function main(): Promise<void> {
  const directory = join(cacheDirectory(process.env), 'engine');
  const engine = new PrivateEngine(directory, interrupted.signal);
  // Of a killed run.
  await engine.remove();
  const files = join(directory, 'operator');
  const operator = new Operator(engine, files, {
    PUBLIC_URL: `https://localhost:${PORTS.gateway}`,
    GATEWAY_PORT: String(PORTS.gateway),
    ISSUER_PORT: String(PORTS.issuer),
    ORDERS_IMAGE: 'orders-pipeline:tested',
    GRAFANAS: '0',
    DOCKER_SOCKET: engine.socket,
    ...SIZES,
  });
  try {
    await checklist.check('a private Docker engine starts, with all images', () =>
      prepare(engine, join(directory, 'stand-ins')),
    );
    // The stand-ins have no digests, so images that are pinned are named by their tags here.
    const stackFile = await readFile(join(PROJECT_DIRECTORY, 'deploy', 'swarm', 'stack.yml'), 'utf8');
    operator.keep(
      ['--file', await operator.file('unpinned.yml', stackFile.replaceAll(/@sha256:[\da-f]{64}/g, ''))],
      {},
    );
    await new Scenario(operator, readSwarmOptions(process.argv.slice(2)), console.log).run(checklist);
  } catch (error) {
    if (!interrupted.signal.aborted) await printState(operator);
    throw error;
  } finally {
    await checklist.check('the engine ends, and its folder is removed', async () => {
      await engine.remove();
      await rm(files, { recursive: true, force: true });
    });
  }
}

/** Prints what helps to find out why a check failed. */
async function printState(operator: Operator): Promise<void> {
  try {
    console.log(await operator.docker('service', 'ls'));
    for (const name of (await operator.docker('service', 'ls', '--format', '{{.Name}}')).split('\n').filter(Boolean)) {
      console.log(await operator.docker('service', 'ps', '--no-trunc', name));
      console.log(await operator.docker('service', 'logs', '--raw', '--tail', LOG_LINES, name));
    }
  } catch (error) {
    console.log(`The state of the swarm could not be read: ${String(error)}`);
  }
}

try {
  await main();
} catch (error) {
  // The error of a check has been printed.
  if (checklist.failed === 0) console.log(explain(error));
  process.exitCode = 1;
}
console.log(`${checklist.passed} passed, ${checklist.failed} failed`);
