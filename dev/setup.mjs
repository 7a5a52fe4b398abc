// Makes `npm start` and `npm test` work on a fresh clone: installs the packages and compiles the sources if needed. `--tests`: also the packages
// of tests and checks. Runs on any Node 20 or newer, without packages, because none is installed yet. The rest of dev/ runs on the pinned Node.
import { compileSources } from './set-up/compile-sources.mjs';
import { installPackages } from './set-up/install-packages.mjs';
import { withSetUpLock } from './set-up/set-up-lock.mjs';

try {
  await withSetUpLock(() => {
    installPackages(process.argv.includes('--tests'));
    compileSources();
  });
} catch (error) {
  // A SetUpError carries a remedy. Any other error is a bug and is printed with its stack.
  console.error(`\n${error.remedy === undefined ? error.stack : `${error.message}\n${error.remedy}`}`);
  process.exit(1);
}
