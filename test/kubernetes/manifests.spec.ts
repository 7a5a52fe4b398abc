import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { Kubeconform, type Checked } from './kubeconform.js';

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
