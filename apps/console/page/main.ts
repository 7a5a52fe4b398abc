import { Client } from './api/client.js';
import { Session } from './api/session.js';
import { OrdersConsole } from './orders-console.js';

const session = new Session(sessionStorage, location, history);
OrdersConsole.client = new Client(session);
customElements.define('orders-console', OrdersConsole);
