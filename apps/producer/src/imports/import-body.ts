import { MAX_FILES } from './import-limits.js';

/** The OpenAPI description of the bodies of `POST /v1/imports`. Swagger UI shows a form for each. */
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
            description: `Up to ${MAX_FILES} files: JSON arrays of orders, or .zip archives of them. Part names are ignored.`,
          },
        },
      },
    },
    'application/zip': {
      schema: {
        type: 'string' as const,
        format: 'binary',
        description: 'An archive of .json files; other files are not read.',
      },
    },
    'application/json': {
      schema: {
        type: 'object' as const,
        required: ['folder'],
        additionalProperties: false,
        properties: {
          folder: {
            type: 'string' as const,
            description: 'A folder relative to the allowed one (setting IMPORT_DIR); "." is the allowed folder itself.',
            examples: ['2026-01'],
          },
        },
      },
      examples: {
        folder: { summary: 'Only where the setting IMPORT_DIR allows it, else 403', value: { folder: '2026-01' } },
      },
    },
  },
};
