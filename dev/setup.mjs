// Makes `npm start` and `npm test` work on a fresh clone: installs the packages and compiles the sources, when need be.
// Plain Node 20 or newer and no packages, since it runs before there are any. All else of dev/ runs on the pinned Node.
import { compileSources } from './set-up/compile-sources.mjs';
import { installPackages } from './set-up/install-packages.mjs';
import { withSetUpLock } from './set-up/set-up-lock.mjs';

try {
  await withSetUpLock(() => {
    installPackages();
    compileSources();
  });
} catch (error) {
  // The set-up's own failures carry what to do; anything else is a bug and is shown whole.
  console.error(`\n${error.remedy === undefined ? error.stack : `${error.message}\n${error.remedy}`}`);
  process.exit(1);
}
