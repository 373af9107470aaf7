import { createHash, timingSafeEqual } from "node:crypto";

/** The token of an `Authorization: Bearer …` header (RFC 6750 section 2.1); undefined for any other header. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? "")?.[1];
}

/** Compares two secrets in a time that says nothing about them. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
