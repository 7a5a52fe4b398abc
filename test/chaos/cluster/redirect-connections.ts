// Preloaded into an app (`node --import`). Redirects its connections to the app's own links, as REDIRECTED_PORTS says.
import { redirectSockets } from './redirected-sockets.js';

const ports = JSON.parse(process.env['REDIRECTED_PORTS'] ?? '{}') as Record<string, number>;
redirectSockets(new Map(Object.entries(ports).map(([from, to]) => [Number(from), to])));
