import { RequestMethod, type INestApplicationContext, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { NoToken, RequiresScope } from '#service/auth/scope.guard.js';

/** A route and what a caller needs for it. */
export interface RouteScope {
  readonly route: string;
  readonly needs: string;
}

/** Returns the routes of a service's controllers, each with the scope that its guard requires. */
export function routeScopes(app: INestApplicationContext): RouteScope[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) =>
    Array.from(module.controllers.values()),
  );
  const types = new Set(controllers.map(({ metatype }) => metatype as Type));
  return [...types].flatMap(routesOf);
}

function routesOf(controller: Type): RouteScope[] {
  const reflector = new Reflector();
  const prototype = controller.prototype as Readonly<Record<string, unknown>>;
  return methodNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    if (typeof handler !== 'function') return [];
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const parts = [controller, handler].map((place) => String(Reflect.getMetadata(PATH_METADATA, place)));
    const path = `/${parts
      .flatMap((part) => part.split('/'))
      .filter(Boolean)
      .join('/')}`;
    const places = [handler as () => unknown, controller];
    const scope = reflector.getAllAndOverride(RequiresScope, places);
    const isOpen = reflector.getAllAndOverride(NoToken, places);
    return [{ route: `${RequestMethod[method]} ${path}`, needs: isOpen ? 'nothing' : needs(scope) }];
  });
}

/** Includes inherited methods. */
function methodNames(prototype: object): string[] {
  const parent = Object.getPrototypeOf(prototype) as object | null;
  if (parent === null) return [];
  return [...new Set([...Object.getOwnPropertyNames(prototype), ...methodNames(parent)])];
}

/** A provider that chooses the scope per request is named by its class. */
function needs(scope: string | readonly string[] | Type | undefined): string {
  if (scope === undefined) return 'no token suffices';
  if (typeof scope === 'object') return scope.map((each) => needs(each)).join(' and ');
  return typeof scope === 'string' ? `\`${scope}\`` : `chosen by ${scope.name}`;
}

/**
 * Returns the operations of an OpenAPI document that no controller has, such as `GET /orders/{id}` of the facade, which forwards it.
 * @param paths of the document
 */
export function routesWithoutController(
  paths: Readonly<Record<string, object>>,
  routes: readonly RouteScope[],
): string[] {
  const known = new Set(routes.map(({ route }) => route));
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
      .filter((route) => !known.has(route)),
  );
}
