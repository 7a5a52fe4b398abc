import { describe, expect, it } from '@jest/globals';
import { announcement } from './announcement.js';

describe('the lines before ready', () => {
  const where = {
    producers: ['http://127.0.0.1:3001'],
    issuer: undefined,
    legacy: undefined,
    facade: undefined,
    queryApis: ['http://127.0.0.1:3000', 'http://127.0.0.1:43210'],
    console: 'http://127.0.0.1:3002',
    consumers: 2,
    brokers: '127.0.0.1:9092',
    registryUrl: 'http://127.0.0.1:8081/apis/ccompat/v7',
    mongodbUri: 'mongodb://ann:secret@db.example/orders',
    dataDirectory: '/project/.data',
    credentials: undefined,
  };

  it('contain the addresses of the API documents, and of the page of the console', () => {
    expect(announcement(where)).toContain('  Console          http://127.0.0.1:3002');
    expect(announcement(where)).toContain('  Producer         http://127.0.0.1:3001/docs');
    expect(announcement(where)).toContain('  Query API        http://127.0.0.1:3000/docs');
    expect(announcement(where)).toContain('  Query API        http://127.0.0.1:43210/docs');
  });

  it('contain the addresses of the legacy system, the facade and the console if they run', () => {
    expect(announcement(where).join()).not.toMatch(/Legacy|Facade/);
    expect(announcement({ ...where, console: undefined }).join()).not.toContain('Console');
    const lines = announcement({ ...where, legacy: 'http://127.0.0.1:3010', facade: 'http://127.0.0.1:3005' });
    expect(lines).toContain('  Facade           http://127.0.0.1:3005/orders/page/1, http://127.0.0.1:3005/docs');
    expect(lines).toContain('  Legacy system    http://127.0.0.1:3010/orders/page/1');
  });

  it('contain no password', () => {
    const text = announcement(where).join('\n');
    expect(text).toContain('mongodb://ann:***@db.example/orders');
    expect(text).not.toContain('secret');
    const addresses = {
      ...where,
      registryUrl: 'https://secret@registry/v7',
      mongodbUri: 'mongodb://ann:se/secret@db/orders?tlsCertificateKeyFilePassword=secret',
    };
    const lines = announcement(addresses);
    expect(lines).toContain('  Schema registry  https://***@registry/v7');
    expect(lines).toContain('  MongoDB          mongodb://ann:***@db/orders');
  });

  it('contain the folder of the credentials of a secured stack, and none of them', () => {
    expect(announcement(where).join()).not.toContain('Credentials');
    const lines = announcement({ ...where, credentials: '/tmp/run' });
    expect(lines).toContain('  Credentials      /tmp/run, for npm run admin: /tmp/run/admin.env');
  });
});
