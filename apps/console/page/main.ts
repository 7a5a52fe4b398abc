import { Client } from './api/client.js';
import { Session } from './api/session.js';
import { OrdersConsole } from './orders-console.js';
import { definePageElements } from './page-elements.js';

const session = new Session(sessionStorage, location, history);
definePageElements();
OrdersConsole.client = new Client(session);
customElements.define('orders-console', OrdersConsole);
