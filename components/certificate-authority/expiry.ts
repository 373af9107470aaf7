/** When a certificate has to be replaced, said in time. Pure. */

/** What to tell the operator, and how loudly. */
export interface ExpiryNotice {
  readonly urgent: boolean;
  readonly text: string;
}

/**
 * How long a certificate is still valid. Urgent from a third of its life on: there is time to replace it, and the
 * notice comes with every preview until that is done.
 */
export function expiryNotice(
  what: string,
  validity: { notBefore: string; notAfter: string },
  remedy: string,
  now: number,
): ExpiryNotice {
  const [from, until] = [Date.parse(validity.notBefore), Date.parse(validity.notAfter)];
  const days = Math.round((until - now) / 86_400_000);
  const date = validity.notAfter.slice(0, 10);
  const text =
    until <= now ? `${what} has been invalid since ${date}` : `${what} is valid until ${date}, ${days} more days`;
  const urgent = until - now <= (until - from) / 3;
  return { urgent, text: urgent ? `${text}: ${remedy}` : text };
}
