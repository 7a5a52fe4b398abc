// `npm run reset [-- --data DIR]`: empties the embedded data. Runs the set-up first, because the command is compiled code.
await import('./setup.mjs');
await import('../dist/dev/empty-data.js');
