import { MAX_FILES } from './import-limits.js';

/** The bodies of `POST /v1/imports` as OpenAPI tells them: Swagger UI makes a form for each. */
export const IMPORT_BODY = {
  required: true,
  content: {
    'multipart/form-data': {
      schema: {
        type: 'object' as const,
        properties: {
          files: {
            type: 'array' as const,
            items: { type: 'string' as const, format: 'binary' },
            description: `Up to ${MAX_FILES} files, each a JSON array of orders, or a .zip of such. The name of the part is free.`,
          },
        },
      },
    },
    'application/zip': {
      schema: { type: 'string' as const, format: 'binary', description: 'Its .json files are read.' },
    },
    'application/json': {
      schema: {
        type: 'object' as const,
        required: ['folder'],
        additionalProperties: false,
        properties: {
          folder: {
            type: 'string' as const,
            description:
              'A folder below the one that the operator allowed (setting IMPORT_DIR); "." is that one itself.',
            examples: ['2026-01'],
          },
        },
      },
    },
  },
};
