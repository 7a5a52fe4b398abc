import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, it } from '@jest/globals';
import { NoToken, RequiresScope } from '#service/auth/scope.guard.js';
import { routeScopes, routesWithoutController } from './route-scopes.js';

abstract class Inherited {
  @Get(':id')
  @RequiresScope('orders:read')
  one(): string {
    return 'one';
  }
}

@Controller('v1/orders')
@RequiresScope('orders:write')
class Orders extends Inherited {
  @Post()
  send(): string {
    return 'sent';
  }

  @Post('all')
  @RequiresScope(['orders:write', 'ops:scale'])
  both(): string {
    return 'both';
  }

  @Get('health')
  @NoToken(true)
  health(): string {
    return 'ok';
  }
}

@Controller('v1/undeclared')
class Undeclared {
  @Get()
  all(): string {
    return 'all';
  }
}

@Module({ controllers: [Orders, Undeclared] })
class App {}

describe('the scopes of routes', () => {
  it('are those that the guard requires, also of inherited routes and of those without a declaration', async () => {
    const app = await NestFactory.create(App, new FastifyAdapter(), { preview: true, logger: false });
    const routes = routeScopes(app);
    expect(routes).toEqual([
      { route: 'POST /v1/orders', needs: '`orders:write`' },
      { route: 'POST /v1/orders/all', needs: '`orders:write` and `ops:scale`' },
      { route: 'GET /v1/orders/health', needs: 'nothing' },
      { route: 'GET /v1/orders/:id', needs: '`orders:read`' },
      { route: 'GET /v1/undeclared', needs: 'no token suffices' },
    ]);
    const paths = { '/v1/orders/{id}': { get: {}, delete: {} }, '/orders': { get: {} } };
    expect(routesWithoutController(paths, routes)).toEqual(['DELETE /v1/orders/:id', 'GET /orders']);
  });
});
