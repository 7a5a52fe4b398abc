// `npm run reset [-- --data DIR]`: empties the embedded data. The work is compiled code, so the set-up comes first.
await import('./setup.mjs');
await import('../dist/dev/empty-data.js');
