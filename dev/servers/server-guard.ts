import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads pids until its input ends, when no process holds the other end of the pipe any more. Then sends SIGTERM to those
 * processes, and SIGKILL after 20 s. `$1` is the data folder: a pid counts only while its command line contains it.
 */
const SCRIPT = `
trap '' INT HUP
while read -r pid; do pids="$pids $pid"; done
ours() { { tr '\\0' ' ' < "/proc/$2/cmdline" || ps -ww -o command= -p "$2"; } 2>/dev/null | grep -qF -- "$1"; }
for pid in $pids; do if ours "$1" "$pid"; then kill -TERM "$pid"; fi; done
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  left=
  for pid in $pids; do if ours "$1" "$pid"; then left=1; fi; done
  if [ -z "$left" ]; then exit 0; fi
  sleep 1
done
for pid in $pids; do if ours "$1" "$pid"; then kill -KILL "$pid"; fi; done
`;

/**
 * Ends the servers after their supervisor was killed. A small shell waits at a pipe whose other end the supervisor holds and every
 * app inherits. The pipe closes only when all of them have ended, so the apps have drained before the servers stop.
 * A Node process would need more memory, and the servers can't do it themselves.
 */
export class ServerGuard {
  private readonly shell: ChildProcess;
  private readonly pipe: Writable;

  constructor(dataDirectory: string) {
    const shell = spawn('sh', ['-c', SCRIPT, 'orders-server-guard', dataDirectory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.shell = shell;
    this.pipe = shell.stdin;
    // If the guard itself is killed, the stack continues without it.
    this.pipe.on('error', () => shell.unref());
  }

  /** The stream that apps get among their stdio, so that the guard waits for their end too. */
  get inheritable(): Writable {
    return this.pipe;
  }

  watch(pid: number): void {
    this.pipe.write(`${pid}\n`);
  }

  /** Ends the guard after a regular stop of the servers. */
  dismiss(): void {
    this.shell.kill('SIGKILL');
  }
}
