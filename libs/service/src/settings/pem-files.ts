import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { reasonOf } from './setting-files.js';

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The path of a PEM file with certificates, parsed to the file's content. The file is read once, at the start. */
export function certificateFile() {
  return pemFile(checkCertificates).meta({ allowed: 'the path of a PEM file with a certificate' });
}

/** The path of a PEM file with a private key without passphrase, parsed to the file's content. */
export function privateKeyFile() {
  return pemFile(checkPrivateKey).meta({ allowed: 'the path of a PEM file with a private key without passphrase' });
}

/** Returns why a file has no usable certificates, in words that continue "which …", or `undefined`. */
export function certificateFault(path: string): string | undefined {
  const result = contentOf(path);
  return 'content' in result ? checkCertificates(result.content) : result.reason;
}

/** @param fault returns why a content is wrong, in words that continue "which …", or `undefined` */
function pemFile(fault: (content: string) => string | undefined) {
  return z
    .string()
    .transform((path, context) => {
      const result = contentOf(path);
      const reason = 'content' in result ? fault(result.content) : result.reason;
      if (reason === undefined && 'content' in result) return result.content;
      context.addIssue({ code: 'custom', params: { reason } });
      return z.NEVER;
    })
    .optional();
}

function contentOf(path: string): { readonly content: string } | { readonly reason: string } {
  try {
    return { content: readFileSync(path, 'utf8') };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function checkCertificates(content: string): string | undefined {
  const certificates = content.match(CERTIFICATES) ?? [];
  if (certificates.length === 0) return 'contains no certificate';
  return certificates.every(isCertificate) ? undefined : 'contains a damaged certificate';
}

function isCertificate(pem: string): boolean {
  return parses(() => new X509Certificate(pem));
}

function checkPrivateKey(content: string): string | undefined {
  return parses(() => createPrivateKey(content)) ? undefined : 'contains no readable private key';
}

/** OpenSSL has many error codes for text that is no certificate or key. */
function parses(parse: () => unknown): boolean {
  try {
    return parse() !== undefined;
  } catch {
    return false;
  }
}
