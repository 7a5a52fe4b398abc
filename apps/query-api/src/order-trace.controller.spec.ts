import { describe, expect, it } from '@jest/globals';
import { loadSettings, SettingsError } from '#service/settings/settings.js';
import { TraceLinks } from './order-trace.controller.js';
import { settingsSchema } from './settings-schema.js';

const TEMPLATE = 'https://traces.example/trace/{traceId}?uiFind={traceId}';

function read(TRACE_URL_TEMPLATE: string): string | undefined {
  return loadSettings(settingsSchema, { TRACE_URL_TEMPLATE }).TRACE_URL_TEMPLATE;
}

describe('TRACE_URL_TEMPLATE', () => {
  it('links a traced order to its trace, and any other to nothing', () => {
    const links = new TraceLinks(read(TEMPLATE));
    expect(links.urlOf('0af7')).toBe('https://traces.example/trace/0af7?uiFind=0af7');
    expect(links.urlOf(undefined)).toBeNull();
    expect(new TraceLinks(read('')).urlOf('0af7')).toBeNull();
  });

  it.each(['http://localhost:16686/trace/', 'javascript:alert("{traceId}")', '{traceId}'])('can not be %s', (value) => {
    expect(() => read(value)).toThrow(SettingsError);
    expect(() => read(value)).toThrow('TRACE_URL_TEMPLATE must be an http:// or https:// address with `{traceId}`');
  });
});
