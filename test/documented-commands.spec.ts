import { afterAll, beforeAll, describe } from '@jest/globals';
import { hostCommandSpecs } from './documented-commands/hosts.js';
import { kafkaCommandSpecs } from './documented-commands/kafka.js';
import { migrationCommandSpecs } from './documented-commands/migration.js';
import { operationCommandSpecs } from './documented-commands/operations.js';
import { MINUTE, OperatorShell } from './documented-commands/operator-shell.js';
import { serviceCommandSpecs } from './documented-commands/services.js';

describe('the commands of the pages for operators', () => {
  let opened: OperatorShell | undefined;
  const shell = (): OperatorShell => {
    if (opened === undefined) throw new Error('the shell is available only while specs run');
    return opened;
  };

  beforeAll(async () => {
    opened = await OperatorShell.open();
  }, 4 * MINUTE);

  afterAll(async () => {
    await opened?.close();
  }, MINUTE);

  describe('for operations and dead letters', () => {
    operationCommandSpecs(shell);
  });
  describe('for services', () => {
    serviceCommandSpecs(shell);
  });
  describe('for a migration', () => {
    migrationCommandSpecs(shell);
  });
  describe('for Kafka', () => {
    kafkaCommandSpecs(shell);
  });
  describe('for hosts, certificates and the issuer', () => {
    hostCommandSpecs(shell);
  });
});
