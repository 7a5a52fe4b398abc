// An OpenTelemetry collector for `http/json`, which prints the names of the services whose spans it gets.
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

createServer(async (request, response) => {
  const { resourceSpans } = await json(request);
  for (const { resource } of resourceSpans)
    console.log(resource.attributes.find(({ key }) => key === 'service.name').value.stringValue);
  response.end('{}');
}).listen(4318);
