import { expect, it } from '@jest/globals';
import { pipelineState } from '../support/console-requests.js';
import { hostOf, MINUTE, type OperatorShell } from './operator-shell.js';

/** @param shell returns the shell that these specs share with others */
export function serviceCommandSpecs(shell: () => OperatorShell): void {
  it('ask whether they live and are ready', async () => {
    const { queryApiUrl, producerUrl, facadeUrl } = shell().pipeline;
    const place = { 'HOST:PORT': hostOf(producerUrl) };
    expect(await shell().output('curl -sm 5 HOST:PORT/health/live', place)).toContain('"status":"ok"');
    expect(await shell().output('curl -s HOST:PORT/health/ready', place)).toContain('"status":"ok"');
    for (const [command, from, url] of [
      ['curl -s localhost:3000/health/ready', 'localhost:3000', queryApiUrl],
      ['curl -s localhost:3001/health/ready', 'localhost:3001', producerUrl],
      ['curl -s localhost:3005/health/ready', 'localhost:3005', facadeUrl],
    ] as const)
      expect(await shell().output(command, { [from]: hostOf(url) })).toContain('"status":"ok"');
  });

  it('limit the orders in flight', async () => {
    const answer = await shell().output(
      `curl -s localhost:3002/v1/pipeline/in-flight -H 'content-type: application/json' -d '{"limit": 500}'`,
      { 'localhost:3002': hostOf(shell().pipeline.consoleUrl) },
    );
    expect(JSON.parse(answer)).toMatchObject({ limit: 500 });
  });

  it(
    'scale the consumers, and refuse none',
    async () => {
      expect(await shell().output('npm run scale -- 4 --watch')).toContain('no verdict: ');
      expect((await pipelineState(shell().pipeline)).consumers).toHaveLength(4);
      expect((await shell().run('npm run scale -- 0')).code).toBe(2);
      await shell().output('npm run scale -- 1');
    },
    3 * MINUTE,
  );

  it('open the inspector of a process that hangs', async () => {
    await shell().output('kill -USR1 PID', { PID: String(shell().pipeline.process('query-api').pid) });
    expect((await fetch(`${shell().pipeline.queryApiUrl}/health/live`)).status).toBe(200);
  });
}
