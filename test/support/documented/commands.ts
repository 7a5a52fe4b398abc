import { normalizeCommand, PAGES, readCommands } from './pages.js';

const PIPELINE = 'test/documented-commands.spec.ts';
const COMPOSE = 'test/compose/documented-commands.ts';
const EXPANSION = 'test/faults/expand-partitions.spec.ts';
const STOPPED = 'test/faults/stopped-processes.spec.ts';
const USERS = 'test/faults/users-and-rights.spec.ts';
const REPLACED = 'test/upgrade/upgraded-deployment.ts';
const BACKUP = 'test/support/taken-backup.ts';
const RESTORE = 'test/faults/restore.spec.ts';
const LOST_KAFKA = 'test/faults/lost-kafka.spec.ts';
const ARCHIVING = 'test/archive/commands.ts';
const ARCHIVE_READERS = 'test/archive/readers.ts';
const UPGRADE = 'test/upgrade/rolling-upgrade.spec.ts';

/**
 * Each command of the pages, in one line, and the file that runs it. `test/operator-pages.spec.ts` compares this with the pages. The file takes the
 * command's text from the page by `documented`, so that a changed page changes what is run.
 */
export const COMMANDS = {
  // docs/upgrade.md
  "export MONGODB_URI='mongodb://db.example:27017/orders?replicaSet=rs0' KAFKA_BROKERS=kafka.example:9092": UPGRADE,
  'npm run admin -- migrate': UPGRADE,
  'npm run admin -- migrate --drop': UPGRADE,
  'npm run admin -- topics plan': UPGRADE,
  'npm run admin -- topics apply': UPGRADE,
  'curl -sf HOST:PORT/health/ready': REPLACED,
  'npm run reconcile -- OPERATION': UPGRADE,
  'npm run orders -- operations': UPGRADE,
  'curl -s localhost:3002/v1/pipeline': UPGRADE,
  "db.COLLECTION.dropIndex('NAME')": COMPOSE,
  'rs.status()': COMPOSE,
  'db.currentOp()': COMPOSE,

  // docs/operations.md
  'npm run orders -- operation OPERATION': PIPELINE,
  'npm run orders -- dead-letters': PIPELINE,
  'npm run scale -- 4 --watch': PIPELINE,
  'npm run scale -- 0': PIPELINE,
  "curl -s localhost:3002/v1/pipeline/in-flight -H 'content-type: application/json' -d '{\"limit\": 500}'": PIPELINE,
  'export KAFKA_BROKERS=kafka-1:9092,kafka-2:9092,kafka-3:9092': PIPELINE,
  'npm run admin -- topics expand --partitions 24': EXPANSION,
  'kafka-consumer-groups.sh --bootstrap-server HOST:9092 --group orders-savers --topic orders.v1:PARTITION --reset-offsets --to-offset OFFSET --execute':
    STOPPED,
  "PIDS=$(node -p \"JSON.parse(fs.readFileSync('.data/processes.json')).filter(({ name }) => name.startsWith('consumer-')).map(({ pid }) => pid).join(' ')\")":
    STOPPED,
  'echo $PIDS | xargs kill -STOP; sleep 15': STOPPED,
  "PARTITION=3 OFFSET=4711 node -e \" const { PARTITION: partition, OFFSET: offset } = process.env; const admin = new (require('kafkajs').Kafka)({ brokers: ['127.0.0.1:9092'] }).admin(); admin.connect() .then(() => admin.setOffsets({ groupId: 'orders-savers', topic: 'orders.v1', partitions: [{ partition: Number(partition), offset }] })) .finally(() => admin.disconnect());\"":
    STOPPED,
  'echo $PIDS | xargs kill -KILL': STOPPED,
  "export MONGODB_URI='mongodb://root@db.example:27017/orders?tls=true&authSource=admin' KAFKA_BROKERS=kafka.example:9093":
    USERS,
  'npm run admin -- roles plan': USERS,
  'npm run admin -- roles apply': USERS,
  'npm run admin -- roles --kafka-user producer=orders-producer-2 apply': USERS,
  'printf \'SCRAM-SHA-512=password=%s\\n\' "$PASSWORD" > scram.properties': USERS,
  'kafka-configs.sh --bootstrap-server HOST:9093 --command-config admin.properties --alter --entity-type users --entity-name orders-producer --add-config-file scram.properties':
    USERS,
  'kafka-configs.sh --bootstrap-server HOST:9093 --command-config admin.properties --alter --entity-type users --entity-name orders-producer --delete-config SCRAM-SHA-512':
    USERS,
  "npm run -s admin -- roles | grep 'User:orders-producer ' | sed 's/--add/--remove --force/; s/HOST:9093/kafka.example:9093/' | sh":
    USERS,
  'docker compose --profile dev up --detach --wait': COMPOSE,
  'docker compose --profile dev up --detach --wait --scale consumer=4': COMPOSE,
  'docker compose exec producer cat /run/apps/kafka-password': COMPOSE,
  'docker compose exec mongodb mongosh --quiet -u root -p "$(docker compose exec mongodb cat /run/mongodb/root-password)"':
    COMPOSE,
  'docker compose exec kafka /opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:19092 --command-config /run/kafka/admin.properties --list':
    COMPOSE,
  'docker compose exec kafka /opt/kafka/bin/kafka-consumer-groups.sh --bootstrap-server kafka:19092 --command-config /run/kafka/admin.properties --group orders-savers --topic orders.v1:PARTITION --reset-offsets --to-offset OFFSET --execute':
    COMPOSE,
  'docker compose stop consumer': COMPOSE,
  'docker compose start consumer': COMPOSE,
  'docker compose --profile dev down --volumes': COMPOSE,

  // docs/recovery.md
  'npm run admin -- backup /backups/2026-11-28': BACKUP,
  'npm run admin -- restore --check /backups/2026-11-28': RESTORE,
  'npm run admin -- restore /backups/2026-11-28': RESTORE,
  'npm run admin -- topics lost': LOST_KAFKA,
  'npm run admin -- topics lost --apply': LOST_KAFKA,

  // docs/archive.md
  'npm run admin -- archive /mnt/orders-archive --before 2026-01-01': ARCHIVING,
  'npm run admin -- archive list /mnt/orders-archive --verify': ARCHIVING,
  'npm run reconcile -- OPERATION --archive DIR': ARCHIVE_READERS,

  // docs/runbooks.md
  'curl -sm 5 HOST:PORT/health/live': PIPELINE,
  'curl -s HOST:PORT/health/ready': PIPELINE,
  'curl -s localhost:3000/health/ready': PIPELINE,
  'curl -s localhost:3001/health/ready': PIPELINE,
  'curl -s localhost:3005/health/ready': PIPELINE,
  'kill -USR1 PID': PIPELINE,
  'npm run scale -- 1': PIPELINE,
  'npm run orders -- pause OPERATION': PIPELINE,
  'npm run orders -- resume OPERATION': PIPELINE,
  'npm run orders -- redrive --error unknown-schema': PIPELINE,
  'npm run orders -- redrive --error CODE': PIPELINE,
  'npm run orders -- dead-letters --list': PIPELINE,
  'npm run orders -- discard ID': PIPELINE,
  'npm run migration -- status': PIPELINE,
  'npm run migration -- mismatches': PIPELINE,
  'npm run migration -- mismatches --capability writes': PIPELINE,
  'npm run migration -- verify': PIPELINE,
  'npm run migration -- pending': PIPELINE,
  'npm run migration -- hold --release --reason TEXT': PIPELINE,
  'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1': PIPELINE,
  'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1 --under-min-isr-partitions': PIPELINE,
  'kafka-topics.sh --bootstrap-server HOST:9092 --describe --under-replicated-partitions': PIPELINE,
  'kafka-consumer-groups.sh --bootstrap-server HOST:9092 --describe --group orders-savers --state': PIPELINE,
  'kafka-leader-election.sh --bootstrap-server HOST:9092 --election-type PREFERRED --all-topic-partitions': PIPELINE,
  'du -xh --max-depth=2 /var/lib | sort -h | tail': PIPELINE,
  'openssl x509 -noout -subject -enddate -in FILE': PIPELINE,
  'openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -enddate': PIPELINE,
  'curl -s ISSUER/.well-known/openid-configuration': PIPELINE,
  'docker compose ps --all': COMPOSE,
  'docker compose up -d --scale consumer=1': COMPOSE,
  'docker compose up -d producer': COMPOSE,
  'docker compose up -d query-api': COMPOSE,
  'docker compose up -d console': COMPOSE,
  'docker compose logs --tail 500 SERVICE': COMPOSE,
  'docker compose logs --tail 50 consumer': COMPOSE,
  'docker compose logs --since 2m consumer': COMPOSE,
  'docker compose logs consumer | grep -i rebalance': COMPOSE,
  'docker compose stop producer consumer': COMPOSE,
  'docker stats --no-stream': COMPOSE,
  "docker inspect --format '{{.State.OOMKilled}}' CONTAINER": COMPOSE,
  'db.currentOp({ active: true, secs_running: { $gt: 60 } })': COMPOSE,
  'db.stats()': COMPOSE,
  'db.adminCommand({ replSetResizeOplog: 1, size: 51200, minRetentionHours: 48 })': COMPOSE,
  'rs.printReplicationInfo()': COMPOSE,
  'rs.printSecondaryReplicationInfo()': COMPOSE,
} as const satisfies Record<string, string>;

export type DocumentedCommand = keyof typeof COMMANDS;

/** Returns a command as its page has it. @throws Error if no page has it any more */
export function documented(command: DocumentedCommand): string {
  const found = PAGES.flatMap(readCommands).find((each) => normalizeCommand(each) === command);
  if (found === undefined) throw new Error(`no page has the command: ${command}`);
  return found;
}
