import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { KafkaTools } from '../support/foreign-clients/kafka-tools.js';
import { FreshProject } from './fresh-project.js';

const SCRIPT = 'kafka-topics.sh';

/**
 * Packs and installs with the commands of a README: those before `cd` in this repository, those after it in the project.
 * @param code the shell block of the README; a temporary folder stands in for its `/tmp`
 */
export async function runSetUp(code: string, folder: string, project: FreshProject): Promise<void> {
  const [first, ...commands] = code.trim().replaceAll('/tmp', folder).split('\n');
  // It has run in this repository, or this code could not.
  if (first !== 'npm ci') throw new Error(`the set-up must begin with npm ci, got ${first}`);
  const change = commands.findIndex((command) => command.startsWith('cd '));
  const here = new FreshProject(PROJECT_DIRECTORY);
  for (const command of commands.slice(0, change)) await here.shell(command);
  for (const command of commands.slice(change + 1)) await project.shell(command);
}

/** Runs the `kafka-topics.sh` commands of a README on the given brokers instead of `localhost:9092`. */
export async function runTopicCommands(code: string, brokers: string): Promise<void> {
  const tools = await KafkaTools.provide();
  for (const command of code.trim().split('\n')) {
    const [script, ...args] = command.replace('localhost:9092', brokers).split(' ');
    if (script !== SCRIPT) throw new Error(`only ${SCRIPT} can be run, got ${command}`);
    await tools.run('TopicCommand', args);
  }
}
