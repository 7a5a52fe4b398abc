// `npm run docs:surface`: writes docs/surface/, the record of what a user can see besides docs/openapi/, docs/configuration.md and
// docs/security.md. With `--check` it writes nothing, and fails when the product differs from it. It needs no servers.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeAcl, kafkaAcls } from '#service/rights/kafka-rights.js';
import { mongodbRole, roleName } from '#service/rights/mongodb-rights.js';
import { SERVICES } from '#service/rights/service-rights.js';
import { updateGenerated } from '../generated-file.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { describeCommands } from './commands.js';
import { listErrorCodes } from './error-codes.js';
import { describeMetrics } from './metrics.js';
import { declareExports } from './package-exports.js';

/** Returns what `npm run admin -- roles apply` grants to the user of each service. */
function listRights(): string {
  const inMongodb = SERVICES.flatMap((service) => {
    const { role, privileges, roles } = mongodbRole(service, 'orders');
    const rights = privileges.map(({ resource, actions }) => {
      const place = 'cluster' in resource ? 'the server' : `${resource.db}.${resource.collection}`;
      return `${role} may ${actions.join(', ')} in ${place}`;
    });
    return rights.concat(roles.map((included) => `${role} has the role ${included.role} of ${included.db}`));
  });
  return ['# Kafka', '', ...kafkaAcls(roleName).map(describeAcl), '', '# MongoDB', '', ...inMongodb, ''].join('\n');
}

/** Returns the variables of the Swarm stack with their defaults. Those of Compose are settings of docs/configuration.md. */
function listSwarmVariables(): string {
  const text = ['stack.yml', 'stack.dev-issuer.yml']
    .map((file) => readFileSync(join(PROJECT_DIRECTORY, 'deploy', 'swarm', file), 'utf8'))
    .join('');
  return `${[...new Set(text.match(/\$\{(?!HASH_)[A-Z_]+(:-[^}]*)?\}/g))].toSorted().join('\n')}\n`;
}

/** Returns the scripts that a user or a contributor runs. */
function listScripts(): string {
  const { scripts } = JSON.parse(readFileSync(join(PROJECT_DIRECTORY, 'package.json'), 'utf8')) as { scripts: object };
  return `${Object.keys(scripts)
    .filter((name) => !/^(pre|post)/.test(name))
    .toSorted()
    .join('\n')}\n`;
}

const files = {
  'commands.txt': await describeCommands(),
  'error-codes.txt': listErrorCodes(),
  'metrics.txt': describeMetrics(),
  'package-exports.txt': declareExports(),
  'rights.txt': listRights(),
  'scripts.txt': listScripts(),
  'swarm-variables.txt': listSwarmVariables(),
};
for (const [name, text] of Object.entries(files))
  await updateGenerated(`docs/surface/${name}`, text, 'npm run docs:surface');
// The programs that ran in this process have left timers and listeners.
process.exit();
