// Preloaded into an app (`node --import`): it reaches each server over a link of its own, as REDIRECTED_PORTS says.
import { redirectSockets } from './redirected-sockets.js';

const ports = JSON.parse(process.env['REDIRECTED_PORTS'] ?? '{}') as Record<string, number>;
redirectSockets(new Map(Object.entries(ports).map(([from, to]) => [Number(from), to])));
