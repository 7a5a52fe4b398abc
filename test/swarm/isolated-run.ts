// The scenario of `npm run test:swarm`, in a network of its own that run.ts made.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { runChecks, withEngine } from '../compose/checked-run.js';
import type { PrivateEngine } from '../compose/private-engine.js';
import { Operator } from './operator.js';
import { PORTS } from './refusals.js';
import { Scenario } from './scenario.js';
import { provideSwarmImages, readSwarmOptions } from './swarm-images.js';

/** Sizes for two busy cores, below those of one-node.env. */
const SIZES = { KAFKA_HEAP: '256m', KAFKA_MEMORY: '700M', MONGODB_CACHE_GIB: '0.25', MONGODB_MEMORY: '800M' };
const IMAGES = { 'orders-pipeline': 'tested', 'orders-pipeline-dev-issuer': 'tested-dev-issuer' };

async function provideImages(engine: PrivateEngine, directory: string, signal: AbortSignal): Promise<void> {
  await provideSwarmImages(engine, directory, signal);
  for (const [image, tag] of Object.entries(IMAGES)) await engine.docker(['tag', image, `orders-pipeline:${tag}`]);
  const broken = 'FROM orders-pipeline\nUSER root\nRUN rm dist/apps/query-api/src/main.js\nUSER node\n';
  await engine.shell('docker build --network none --tag orders-pipeline:broken -', {}, broken);
}

/** Prints what helps to find out why a check failed. */
async function printState(operator: Operator): Promise<void> {
  console.log(await operator.docker('service', 'ls'));
  for (const name of await operator.lines('service', 'ls', '--format', '{{.Name}}')) {
    console.log(await operator.docker('service', 'ps', '--no-trunc', name));
    console.log(await operator.docker('service', 'logs', '--raw', '--tail', '20', name));
  }
}

await runChecks(async (check, signal) => {
  // The ports that the swarm publishes, and the paths of the engine, are on loopback.
  await promisify(execFile)('ip', ['link', 'set', 'lo', 'up']);
  await withEngine(check, signal, async (engine, directory) => {
    await check('it has all images', () => provideImages(engine, directory, signal));
    const operator = new Operator(engine, join(directory, 'operator'), {
      PUBLIC_URL: `https://localhost:${PORTS.gateway}`,
      GATEWAY_PORT: String(PORTS.gateway),
      ISSUER_PORT: String(PORTS.issuer),
      ORDERS_IMAGE: 'orders-pipeline:tested',
      GRAFANAS: '0',
      DOCKER_SOCKET: engine.socket,
      ...SIZES,
    });
    // The stand-ins have no digests, so images that are pinned are named by their tags here.
    const stackFile = await readFile(join(PROJECT_DIRECTORY, 'deploy', 'swarm', 'stack.yml'), 'utf8');
    const unpinned = stackFile.replaceAll(/@sha256:[\da-f]{64}/g, '');
    operator.keep(['--file', await operator.file('unpinned.yml', unpinned)], {});
    try {
      await new Scenario(operator, readSwarmOptions(process.argv.slice(2)), check, signal).run();
    } catch (error) {
      if (!signal.aborted)
        await printState(operator).catch((unread: unknown) => console.log(`No state of the swarm: ${String(unread)}`));
      throw error;
    }
  });
});
