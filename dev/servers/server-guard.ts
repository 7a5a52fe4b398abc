import { spawn, type ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads pids until its input ends, which is when nobody holds the other end any more. Then asks those processes to stop,
 * and after 20 s makes them. `$1` is the data folder: a pid counts only while its command line names it.
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
 * Sees to it that servers don't outlive a supervisor that was killed. A tiny shell waits at a pipe whose other end the
 * supervisor holds and every app inherits: it ends only when all of them are gone, so the apps have drained by the time
 * that the servers go. A process of ours could not do that so small, and the servers can't do it themselves.
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
    // Somebody may kill the guard; the stack goes on without it.
    this.pipe.on('error', () => shell.unref());
  }

  /** What an app gets among its stdio, so that the guard waits for its end too. */
  get inheritable(): Writable {
    return this.pipe;
  }

  watch(pid: number): void {
    this.pipe.write(`${pid}\n`);
  }

  /** Ends the guard, once the servers have been stopped in the ordinary way. */
  dismiss(): void {
    this.shell.kill('SIGKILL');
  }
}
