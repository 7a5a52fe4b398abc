// The health check of MongoDB in docker-compose.yml, run by mongosh. At the first start it also initiates the replica set and creates the
// users, which MongoDB allows from localhost as long as it has no user. Healthy means primary.
const { readFileSync } = require('fs');

const admin = db.getSiblingDB('admin');

function password(name) {
  return readFileSync(`/run/mongodb/${name}-password`, 'utf8').trim();
}

function isRootKnown() {
  try {
    return admin.auth('root', password('root')).ok === 1;
  } catch (error) {
    if (error.codeName !== 'AuthenticationFailed') throw error;
    return false;
  }
}

function waitUntilPrimary() {
  while (!admin.hello().isWritablePrimary) sleep(100);
}

if (!isRootKnown()) {
  // `setName` is absent before the first initiation.
  if (admin.hello().setName === undefined) rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'mongodb:27017' }] });
  waitUntilPrimary();
  admin.createUser({ user: 'root', pwd: password('root'), roles: ['root'] });
  admin.auth('root', password('root'));
}
waitUntilPrimary();
// Only its own database, and no user management.
const roles = ['readWrite', 'dbAdmin'].map((role) => ({ role, db: 'orders' }));
if (admin.getUser('orders') === null) admin.createUser({ user: 'orders', pwd: password('orders'), roles });
