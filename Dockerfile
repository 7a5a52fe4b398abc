# One image for every app of the pipeline: `command` in docker-compose.yml selects the app of a container.
# Uses no syntax line and no cache mounts: it builds with BuildKit and the classic builder, and fetches no frontend image.

# The Node.js image for building and running: any image with `node`, `npm` and the unprivileged user `node`.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY libs/clock/package.json libs/clock/
COPY libs/parallel-consumer/package.json libs/parallel-consumer/
COPY libs/nestjs-parallel-consumer/package.json libs/nestjs-parallel-consumer/
# Without the packages of the tests. Neither the build nor the apps need install scripts; those in the lock file fetch a second Node.js,
# which the image doesn't use.
RUN npm ci --ignore-scripts --include-workspace-root \
  --workspace libs/clock --workspace libs/parallel-consumer --workspace libs/nestjs-parallel-consumer

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY dev/set-up/api-types.mjs dev/set-up/
COPY docs/openapi docs/openapi
COPY libs libs
COPY apps apps
# Runs node directly: `npm run` would put node_modules/.bin first, where the npm package `node` has a command without its binary.
RUN node dev/set-up/api-types.mjs && node node_modules/typescript/bin/tsc -b tsconfig.build.json && node apps/console/build-page.mjs

# The development issuer has an image of its own, with all packages. A production image has neither its code nor its library.
FROM build AS dev-issuer
ENV NODE_ENV=development LISTEN_HOST=0.0.0.0 PORT=3003
USER node
CMD ["node", "--enable-source-maps", "--max-old-space-size=128", "dist/apps/dev-issuer/src/main.js"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

FROM build AS production-build
RUN rm -r dist/apps/dev-issuer

# A stage beside `build`, not after it: a change of only the sources keeps this layer, by far the largest, cached.
FROM dependencies AS production-dependencies
RUN npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production LISTEN_HOST=0.0.0.0 PORT=3000
WORKDIR /app
# Owned by root and thus read-only for the apps, which write no files but profiles (PROFILE_DIR): a new volume takes the owner from here.
RUN install --directory --owner=node --group=node --mode=700 /profiles
COPY --from=production-dependencies /app/node_modules node_modules
COPY package.json ./
COPY --from=production-build /app/dist dist
# node_modules links to these packages.
COPY --from=production-build /app/libs/clock/package.json libs/clock/
COPY --from=production-build /app/libs/clock/dist libs/clock/dist
COPY --from=production-build /app/libs/parallel-consumer/package.json libs/parallel-consumer/
COPY --from=production-build /app/libs/parallel-consumer/dist libs/parallel-consumer/dist
COPY --from=production-build /app/libs/nestjs-parallel-consumer/package.json libs/nestjs-parallel-consumer/
COPY --from=production-build /app/libs/nestjs-parallel-consumer/dist libs/nestjs-parallel-consumer/dist
USER node
# Checks readiness, not only liveness: Compose waits for it before it starts dependent services. Uses node: the slim image has no curl.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
