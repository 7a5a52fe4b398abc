import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { PROJECT_DIRECTORY } from '../project-directory.js';

interface Job {
  readonly needs?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = join(PROJECT_DIRECTORY, '.github', 'workflows');
const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

describe.each(readdirSync(FOLDER))('the workflow %s', (file) => {
  const text = read(FOLDER, file);

  it('uses actions by commit, with their tag in a comment: a tag can be moved', () => {
    const used = [...text.matchAll(/uses: *(.*)/g)].map(([, action = '']) => action);
    expect(used).not.toEqual([]);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may only read, unless a job says otherwise', () => {
    expect((parse(text) as Workflow).permissions).toEqual({ contents: 'read' });
  });
});

describe('the job that publishes', () => {
  const { build, publish, ...others } = (parse(read(FOLDER, 'publish.yml')) as Workflow).jobs;
  const commands = publish?.steps.flatMap(({ run = [] }) => run).join('\n') ?? '';

  it('is the only one with an identity on the registry, and publishes what another one has built', () => {
    expect([publish?.permissions, publish?.needs]).toEqual([{ 'id-token': 'write' }, 'build']);
    expect([build?.permissions, others]).toEqual([undefined, {}]);
  });

  it('installs nothing, and runs no code of this repository or of its dependencies', () => {
    const used = publish?.steps.flatMap(({ uses }) => uses?.split('@')[0] ?? []);
    expect(used).toEqual(['actions/setup-node', 'actions/download-artifact']);
    const programs = commands.match(/\b(?:npm +[a-z-]+|npx|node)\b.*/g) ?? [];
    expect(programs).toEqual([expect.stringMatching(/^npm publish .* --provenance .*--ignore-scripts$/)]);
  });

  it('publishes every package after those that it depends on', () => {
    const { workspaces } = JSON.parse(read(PROJECT_DIRECTORY, 'package.json')) as { workspaces: string[] };
    const names = /for name in (.*);/.exec(commands)?.[1]?.split(' ') ?? [];
    expect([...names.map((name) => `libs/${name}`), 'test/installed']).toEqual(workspaces);
    const published = new Set<string>();
    for (const name of names) {
      const manifest = JSON.parse(read(PROJECT_DIRECTORY, 'libs', name, 'package.json')) as {
        name: string;
        dependencies?: Record<string, string>;
        peerDependencies?: Record<string, string>;
      };
      const needed = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
      for (const own of needed.filter((each) => each.startsWith('@orders-pipeline/')))
        expect([...published]).toContain(own);
      published.add(manifest.name);
    }
  });

  it('runs the version of Node.js that the project is tested with', () => {
    const [major] = read(PROJECT_DIRECTORY, '.nvmrc').trim().split('.');
    const versions = publish?.steps.flatMap(({ with: given }) =>
      given && 'node-version' in given ? [given['node-version']] : [],
    );
    expect(versions).toEqual([major?.replace('v', '')]);
  });
});
