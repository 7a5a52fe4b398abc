// Runs before the services of docker-compose.yml start, as their `settings`. Makes the passwords of MongoDB and Kafka at the first
// start, and writes for each service a folder with only the files that it needs. No password is in an environment variable, in an image
// or in the project's folder.
//
//   node prepare.mjs            writes the files, or ends with 1 when no issuer is set
//   node prepare.mjs dev URL    records that the development issuer runs, for the next run without arguments
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SECRETS = '/run/secrets-of-all';
const DEV_ISSUER = '/run/dev-issuer/address';
const DEV_DISCOVERY_URL = 'http://issuer:3003';
/** The users of the images, by number: each may read only its own folder. */
const OWNERS = { apps: 1000, kafka: 1000, registry: 1001, mongodb: 999 };

/** Returns a secret, the same at each start. @param given the operator's own */
function secret(name, given) {
  const file = join(SECRETS, name);
  if (given) return given;
  if (!existsSync(file)) write(file, randomBytes(32).toString('hex'), 0);
  return readFileSync(file, 'utf8');
}

/** Replaces a file at once, so that no reader sees half of it. */
function write(file, content, owner) {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, content, { mode: 0o400 });
  chownSync(unfinished, owner, owner);
  renameSync(unfinished, file);
}

function writeFor(service, files) {
  for (const [name, content] of Object.entries(files))
    write(join('/run', service, name), `${content}\n`, OWNERS[service]);
}

/** Returns where tokens come from. A start with `--profile dev` holds for that start only. */
function chooseIssuer({ AUTH_ISSUER, AUTH_DISCOVERY_URL, AUTH_ALLOW_HTTP_ISSUER }) {
  const developed = existsSync(DEV_ISSUER) ? readFileSync(DEV_ISSUER, 'utf8') : undefined;
  rmSync(DEV_ISSUER, { force: true });
  if (AUTH_ISSUER)
    return {
      issuer: AUTH_ISSUER,
      discovery: AUTH_DISCOVERY_URL || AUTH_ISSUER,
      allowHttp: AUTH_ALLOW_HTTP_ISSUER || 'false',
    };
  if (developed) return { issuer: developed, discovery: DEV_DISCOVERY_URL, allowHttp: 'true' };
  console.error(
    'AUTH_ISSUER is not set: set it to the address of your OpenID provider, or start a development issuer: docker compose --profile dev up',
  );
  return process.exit(1);
}

/** Kafka's login with a user's name and password. */
function jaas(section, options) {
  const lines = Object.entries(options).map(([name, value]) => `  ${name}="${value}"`);
  return `${section} {\n  org.apache.kafka.common.security.plain.PlainLoginModule required\n${lines.join('\n')};\n};`;
}

function prepare() {
  const { issuer, discovery, allowHttp } = chooseIssuer(process.env);
  const passwords = {
    mongodb: secret('mongodb-orders'),
    root: secret('mongodb-root'),
    apps: secret('kafka-orders'),
    registry: secret('kafka-registry'),
    broker: secret('kafka-broker'),
  };
  writeFor('apps', {
    'mongodb-uri': `mongodb://orders:${passwords.mongodb}@mongodb:27017/orders?replicaSet=rs0&authSource=admin`,
    'kafka-password': passwords.apps,
    'page-token-secret': secret('page-token', process.env.PAGE_TOKEN_SECRET),
    'auth-issuer': issuer,
    'auth-discovery-url': discovery,
    'auth-allow-http-issuer': allowHttp,
  });
  writeFor('mongodb', {
    keyfile: secret('mongodb-members'),
    'root-password': passwords.root,
    'orders-password': passwords.mongodb,
  });
  writeFor('kafka', {
    'jaas.conf': jaas('KafkaServer', {
      username: 'broker',
      password: passwords.broker,
      user_broker: passwords.broker,
      user_orders: passwords.apps,
      user_registry: passwords.registry,
    }),
    'admin.properties': [
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=PLAIN',
      `sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="${passwords.broker}";`,
    ].join('\n'),
  });
  writeFor('registry', {
    'jaas.conf': jaas('KafkaClient', { username: 'registry', password: passwords.registry }),
  });
}

const [mode, address] = process.argv.slice(2);
if (mode === 'dev') write(DEV_ISSUER, address, 0);
else prepare();
