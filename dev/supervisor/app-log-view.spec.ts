import { describe, expect, it } from '@jest/globals';
import { AppLogView, isForTerminal } from './app-log-view.js';

describe('an app log line', () => {
  it('is for the terminal if it is a warning or worse, even from Nest', () => {
    expect(isForTerminal('{"level":40,"msg":"slow","context":"NestFactory"}')).toBe(true);
    expect(isForTerminal('{"level":50,"msg":"broken"}')).toBe(true);
  });

  it('is for the terminal if it reports progress', () => {
    expect(isForTerminal('{"level":30,"msg":"processed 100/1000"}')).toBe(true);
  });

  it("stays in the file if it is from Nest's own start, or a debug message", () => {
    expect(isForTerminal('{"level":30,"context":"RoutesResolver","msg":"OrdersController {/v1}"}')).toBe(false);
    expect(isForTerminal('{"level":20,"msg":"a request"}')).toBe(false);
    expect(
      isForTerminal('\u001B[32m[Nest] 7  - \u001B[39m5:22:04 PM \u001B[32m    LOG\u001B[39m [NestFactory] Starting'),
    ).toBe(false);
  });

  it('is for the terminal if it is not JSON, such as the stack trace of a crash', () => {
    expect(isForTerminal('TypeError: x is not a function')).toBe(true);
    expect(isForTerminal('{ half a line')).toBe(true);
    expect(isForTerminal('  ')).toBe(false);
  });

  it('is prefixed with the name of its app', () => {
    const lines: string[] = [];
    const view = new AppLogView((line) => lines.push(line), false);
    view.show(
      'consumer-1',
      '{"level":30,"time":"2026-01-02T03:04:05.000Z","msg":"processed","processed":5,"pid":1,"service":"consumer"}',
    );
    view.show('consumer-1', 'Error: boom');
    expect(lines).toEqual([
      expect.stringMatching(/^\[consumer-1\] \[\d\d:\d\d:\d\d\] INFO: processed \{"processed":5\}$/),
      '[consumer-1] Error: boom',
    ]);
  });
});
