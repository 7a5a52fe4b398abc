import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { runClient } from '../../dev/parts/package-clients.js';
import { installPart } from '../../dev/parts/parts.js';
import { isOnPath, providePythonPackages, provideTestPart } from '../support/fetched-programs.js';
import { fetchLimit } from '../support/eventually.js';

const run = promisify(execFile);
const KUBECONFORM = '0.8.0';
const KEDA = '2.21.0';
const KUBERNETES = '1.37.0';
/** The kinds that the files have, and where their schemas are: in the package, and in KEDA's Go module. */
const SCHEMAS = { deployment: 'deployment-apps-v1.json' };
const DEFINITIONS = { scaledobject: 'scaledobjects', triggerauthentication: 'triggerauthentications' };
const MODULE = 'github.com/kedacore/keda/v2';

/** What kubeconform says of one resource. */
interface Checked {
  readonly kind: string;
  readonly status: string;
  readonly msg: string;
}

/** kubeconform, with the schemas of Kubernetes and KEDA on this machine. */
class Kubeconform {
  private constructor(
    private readonly command: string,
    private readonly schemas: string,
  ) {}

  /** Finds all of it in the cache, or builds and fetches it: kubeconform and KEDA by Go, Kubernetes' schemas by pip. */
  static async provide(): Promise<Kubeconform> {
    const python = await providePythonPackages(`kubernetes-validate==${KUBERNETES}`);
    const tool = await provideTestPart(`kubeconform-${KUBECONFORM}`, (part) => installPart(part, build));
    const schemas = await provideTestPart(`schemas-kubernetes-${KUBERNETES}-keda-${KEDA}`, (part) =>
      installPart(part, async (directory) => {
        await convertKubernetes(directory, python);
        await convertKeda(directory, python);
      }),
    );
    return new Kubeconform(join(tool, 'kubeconform'), join(schemas, '{{ .ResourceKind }}.json'));
  }

  /** Checks a file, in which unknown fields are wrong. */
  async check(file: string): Promise<Checked[]> {
    const args = ['-strict', '-output', 'json', '-verbose', '-schema-location', this.schemas, file];
    // It exits with 1 when a resource is invalid; its output says which.
    const { stdout } = await run(this.command, args).catch((error: { stdout?: string }) => {
      if (!error.stdout) throw error;
      return { stdout: error.stdout };
    });
    return (JSON.parse(stdout) as { resources: Checked[] }).resources;
  }
}

async function build(directory: string): Promise<void> {
  requireGo();
  await runClient({
    command: 'go',
    args: ['install', `github.com/yannh/kubeconform/cmd/kubeconform@v${KUBECONFORM}`],
    env: { GOBIN: directory, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' },
    fetching: 'kubeconform',
    signal: fetchLimit(),
  });
}

/** Converts Kubernetes' schemas, each to one file without references: kubeconform does not find theirs. */
async function convertKubernetes(directory: string, python: string): Promise<void> {
  const folder = join(python, 'kubernetes_validate', 'kubernetes-json-schema', `v${KUBERNETES}-local-strict`);
  for (const [kind, name] of Object.entries(SCHEMAS))
    await convert('kubernetes_schema.py', [folder, name], join(directory, `${kind}.json`), python);
}

/** Converts the definitions in KEDA's Go module. */
async function convertKeda(directory: string, python: string): Promise<void> {
  requireGo();
  const { stdout } = await run('go', ['mod', 'download', '-json', `${MODULE}@v${KEDA}`], { cwd: directory });
  const { Dir: module } = JSON.parse(stdout) as { Dir: string };
  for (const [kind, plural] of Object.entries(DEFINITIONS)) {
    const definition = join(module, 'config', 'crd', 'bases', `keda.sh_${plural}.yaml`);
    await convert('crd_schema.py', [definition, 'v1alpha1'], join(directory, `${kind}.json`), python);
  }
}

async function convert(script: string, args: readonly string[], output: string, python: string): Promise<void> {
  const env = { ...process.env, PYTHONPATH: python };
  const options = { env, maxBuffer: 2 ** 26 };
  const { stdout } = await run('python3', [join(import.meta.dirname, script), ...args], options);
  await writeFile(output, stdout);
}

function requireGo(): void {
  if (!isOnPath('go')) throw new Error('kubeconform is built from source: install Go 1.24 or newer.');
}

const FILES = join(PROJECT_DIRECTORY, 'deploy', 'kubernetes');

describe('the files of deploy/kubernetes', () => {
  let kubeconform: Kubeconform;
  let folder: string;

  beforeAll(async () => {
    kubeconform = await Kubeconform.provide();
    folder = await mkdtemp(join(tmpdir(), 'orders-kubernetes-'));
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  /** Checks a file in which a text is replaced. */
  async function checkWith(file: string, before: string, after: string): Promise<Checked[]> {
    const text = await readFile(join(FILES, file), 'utf8');
    expect(text).toContain(before);
    const changed = join(folder, file);
    await writeFile(changed, text.replace(before, after));
    return kubeconform.check(changed);
  }

  it.each([
    ['consumer.yml', ['Deployment']],
    ['keda.yml', ['ScaledObject', 'TriggerAuthentication']],
  ])('%s has only what the schemas know', async (file, kinds) => {
    const checked = await kubeconform.check(join(FILES, file));
    // It checks several at once, and prints them in the order in which they end.
    expect(checked.map(({ kind, status }) => `${kind} ${status}`).toSorted()).toEqual(
      kinds.map((kind) => `${kind} statusValid`),
    );
  });

  it.each([
    ['consumer.yml', 'terminationGracePeriodSeconds', 'terminationGracePeriodSecond'],
    ['consumer.yml', 'containerPort: 3000', 'containerPort: http'],
    ['keda.yml', 'stabilizationWindowSeconds', 'stabilisationWindowSeconds'],
    ['keda.yml', 'pollingInterval: 5', "pollingInterval: '5'"],
    ['keda.yml', 'secretTargetRef', 'secretTargetReference'],
  ])('%s with the typo of %s is rejected', async (file, before, after) => {
    const checked = await checkWith(file, before, after);
    expect(checked.map(({ status }) => status)).toContain('statusInvalid');
  });

  it('KEDA and the console mean the same: the field of the response, the path, and the limits', async () => {
    const keda = await readFile(join(FILES, 'keda.yml'), 'utf8');
    for (const text of [
      'url: http://orders-console:3002/v1/pipeline/desired-consumers',
      'valueLocation: desired',
      "targetValue: '1'",
      'metricType: AverageValue',
      'minReplicaCount: 1',
    ])
      expect(keda).toContain(text);
  });
});
