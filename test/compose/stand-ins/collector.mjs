// An OpenTelemetry collector for `http/json`, which prints the names of the services whose spans it gets.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

async function print(request) {
  const { resourceSpans } = await json(request);
  for (const { resource } of resourceSpans)
    console.log(resource.attributes.find(({ key }) => key === 'service.name').value.stringValue);
}

createServer((request, response) => void print(request).then(() => response.end('{}'))).listen(4318);
