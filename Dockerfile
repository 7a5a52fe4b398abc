# One image for every app of the pipeline: docker-compose.yml says by `command` which of them a container runs.
# No syntax line and no cache mounts: it builds with BuildKit and with the classic builder alike, and fetches no frontend image.

# The Node.js to build with and to run on: any image that has `node`, `npm` and the unprivileged user `node`.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Nothing that the build or the apps need has an install script. The ones that the lock file does have fetch a second
# Node.js and native test tools, which an image has no use for.
RUN npm ci --ignore-scripts

FROM dependencies AS build
COPY tsconfig.json tsconfig.build.json ./
COPY libs libs
COPY apps apps
# By this image's node: `npm run` would put node_modules/.bin first, where the npm package `node` has a command without its binary.
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json --incremental false && node apps/console/build-page.mjs

# A stage beside `build`, not after it: a change of the sources alone leaves this layer, by far the largest, as it was.
FROM dependencies AS production-dependencies
RUN npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production LISTEN_HOST=0.0.0.0 PORT=3000
WORKDIR /app
# Owned by root and so read-only to the apps, which write no files.
COPY --from=production-dependencies /app/node_modules node_modules
COPY package.json ./
COPY --from=build /app/dist dist
USER node
# Ready, not only alive: Compose waits for it before it starts what depends on the app. By node, since the slim image has no curl.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
